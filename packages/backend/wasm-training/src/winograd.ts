// 3x3 convolutions of stride 1 with 36 products instead of 144 for 4x4 outputs: see kernels.c.
import type { ConvolutionInfo } from './convolution-info.ts'
import { type Call, compute, split, splitSum, sumParts, threadsOf } from './kernel.ts'
import { packedSize } from './packing.ts'

/** Number of values of a transformed tile. */
const entries = 36
const tilesAlong = (length: number): number => Math.ceil(length / 4)

/**
 * Whether Winograd's algorithm is worth it: with few channels, the transforms take as long as the saved products, and a
 * tile of 4x4 outputs takes as many products as 4 outputs do without it. Up to 32 tiles, where the filter's transform
 * takes much of the time, plain sums are preferred for their smaller rounding errors.
 *
 * @param gradient whether it computes the gradient of the input, for any stride
 */
export function fitsWinograd(info: ConvolutionInfo, gradient = false): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } =
    info
  const steps = [dilationHeight, dilationWidth, ...(gradient ? [] : [strideHeight, strideWidth])]
  const channels = [info.inChannels, info.outChannels]
  const [height, width] = gradient ? [info.inHeight, info.inWidth] : [info.outHeight, info.outWidth]
  const tiles = tilesAlong(height) * tilesAlong(width)
  return (
    filterHeight === 3 &&
    filterWidth === 3 &&
    steps.every((step) => step === 1) &&
    channels.every((count) => count >= 16 && count % 4 === 0) &&
    4 * tiles < height * width &&
    info.batchSize * tiles > 32
  )
}

/** A convolution's input and output images. */
export interface Images {
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly top: number
  readonly left: number
  readonly outHeight: number
  readonly outWidth: number
  readonly outChannels: number
}

interface Operands {
  readonly output: number
  readonly images: number
  readonly filter: number
  readonly bias: number
  /**
   * Whether the filter is that of the convolution whose gradient this is: rotated by 180°, and [3, 3, outChannels,
   * channels].
   */
  readonly turned: boolean
  /** The dilation of the images: the stride, for the gradient of the input. */
  readonly spread: readonly [y: number, x: number]
  readonly bounds: readonly [low: number, high: number]
}

/** Number of rows of tiles (4x4 outputs) to process at once, and their scratch space. */
function work({ outWidth, channels, outChannels }: Images): { rows: number; scratch: number[] } {
  const across = tilesAlong(outWidth)
  // Measured: about 32 tiles fit into the L2 cache; more are better if the filter doesn't, and is read for each.
  const tiles = Math.max(32, (channels + outChannels) / 8)
  const rows = Math.max(1, Math.floor(tiles / across))
  const strip = 6 * (4 * across + 2) * Math.max(channels, outChannels)
  const parts = [channels, outChannels].map((each) => entries * (rows * across * each + 16))
  return { rows, scratch: [strip, ...parts] }
}

function imageBytes({ height, width, channels }: Images): number {
  return 4 * height * width * channels
}

function outputBytes({ outHeight, outWidth, outChannels }: Images): number {
  return 4 * outHeight * outWidth * outChannels
}

function tilesOf({ batch, outHeight, outWidth }: Images): number {
  return batch * tilesAlong(outHeight) * tilesAlong(outWidth)
}

/** Number of multiplications in the products. */
function workOf(sizes: Images): number {
  return entries * tilesOf(sizes) * sizes.channels * sizes.outChannels
}

export function winogradConvolve(call: Call, sizes: Images, operands: Operands): void {
  const { channels, outChannels } = sizes
  const { filter, turned, bias } = operands
  const panels = packedSize(channels, outChannels)
  const { rows, scratch } = work(sizes)
  const threads = threadsOf(call)
  compute(
    call,
    [entries * panels, ...scratch.map((floats) => floats * threads)],
    (engine, packed, ...own) => {
      engine.each(
        'winograd_filter',
        split(engine, channels / 4, 8 * entries * channels * outChannels).map((part) => [
          [packed, filter, channels, outChannels, Number(turned), 4 * part.begin, 4 * part.count],
        ]),
      )
      const perThread = own.map((address, i) => ({ address, bytes: 4 * scratch[i]! }))
      engine.each(
        'winograd_convolve',
        split(engine, sizes.batch, workOf(sizes)).map((part) => [
          [
            operands.output + part.begin * outputBytes(sizes),
            operands.images + part.begin * imageBytes(sizes),
          ],
          [packed, bias, ...perThread],
          [part.count, sizes.height, sizes.width, channels, sizes.top, sizes.left],
          [...operands.spread, sizes.outHeight, sizes.outWidth, outChannels, rows],
          operands.bounds,
        ]),
      )
    },
  )
}

/** Computes the filter's gradient, [3, 3, channels, outChannels], from the output's gradient `dy`. */
export function winogradFilterGradient(
  call: Call,
  sizes: Images,
  { gradient, images, dy }: { gradient: number; images: number; dy: number },
): void {
  const { channels, outChannels } = sizes
  const { rows, scratch } = work(sizes)
  const count = channels * outChannels
  const each = [...scratch, entries * count]
  // Each part clears, and at the end reads, as many sums as the filter has transformed values.
  const parts = splitSum(sizes.batch, workOf(sizes), Math.min(8, Math.ceil(tilesOf(sizes) / 32)))
  const threads = threadsOf(call)
  compute(
    call,
    [9 * count * parts.length, ...each.map((floats) => floats * threads)],
    (engine, gradients, ...own) => {
      const perThread = own.map((address, i) => ({ address, bytes: 4 * each[i]! }))
      engine.each(
        'winograd_filter_gradient',
        parts.map((part, i) => [
          [gradients + 4 * 9 * count * i],
          [images + part.begin * imageBytes(sizes), dy + part.begin * outputBytes(sizes)],
          perThread,
          [part.count, sizes.height, sizes.width, channels, sizes.top, sizes.left],
          [sizes.outHeight, sizes.outWidth, outChannels, rows],
        ]),
      )
      sumParts(engine, gradient, gradients, parts.length, 9 * count)
    },
  )
}
