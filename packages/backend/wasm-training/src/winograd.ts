// 3x3 convolutions of stride 1 with 16 products instead of 36 for four outputs: see kernels.c.
import type { ConvolutionInfo } from './convolution-info.ts'
import { type Call, compute, split, splitSum, sumParts, threadsOf } from './kernel.ts'
import { packedSize } from './packing.ts'

/** Whether Winograd's algorithm is faster: with few channels, the transforms take as long as the saved products. */
export function fitsWinograd(info: ConvolutionInfo, strided = false): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } =
    info
  const steps = [dilationHeight, dilationWidth, ...(strided ? [] : [strideHeight, strideWidth])]
  const channels = [info.inChannels, info.outChannels]
  return (
    filterHeight === 3 &&
    filterWidth === 3 &&
    steps.every((step) => step === 1) &&
    channels.every((count) => count >= 16 && count % 4 === 0)
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

/** Number of rows of tiles (2x2 outputs) to process at once, and their scratch space. */
function work({ outWidth, channels, outChannels }: Images): { rows: number; scratch: number[] } {
  const across = Math.ceil(outWidth / 2)
  // Measured: about 64 tiles fit into the L2 cache.
  const rows = Math.max(1, Math.floor(64 / across))
  const strip = 4 * (2 * across + 2) * Math.max(channels, outChannels)
  const parts = [channels, outChannels].map((each) => 16 * (rows * across * each + 16))
  return { rows, scratch: [strip, ...parts] }
}

function imageBytes({ height, width, channels }: Images): number {
  return 4 * height * width * channels
}

function outputBytes({ outHeight, outWidth, outChannels }: Images): number {
  return 4 * outHeight * outWidth * outChannels
}

/** Number of multiplications in the sixteen products. */
function workOf({ batch, outHeight, outWidth, channels, outChannels }: Images): number {
  return 4 * batch * outHeight * outWidth * channels * outChannels
}

export function winogradConvolve(call: Call, sizes: Images, operands: Operands): void {
  const { channels, outChannels } = sizes
  const { filter, turned, bias } = operands
  const count = channels * outChannels
  const panels = packedSize(channels, outChannels)
  const { rows, scratch } = work(sizes)
  const [stride, step] = turned ? [1, channels] : [outChannels, 1]
  const threads = threadsOf(call)
  compute(
    call,
    [16 * count, 16 * panels, ...scratch.map((floats) => floats * threads)],
    (engine, transformed, packed, ...own) => {
      engine.winograd_filter(transformed, filter, count, Number(turned))
      const packing = Array.from({ length: 16 }, (_, part) =>
        [
          [packed + 4 * part * panels, transformed + 4 * part * count],
          [channels, outChannels, stride, step, 0, channels],
        ].flat(),
      )
      if (split(engine, 16, 8 * 16 * count).length > 1) engine.each('pack', packing)
      else for (const args of packing) engine.pack(args)
      for (let part = 0; part < 16; part++)
        // A constant in the sixth part adds it to all four outputs, and to nothing else.
        engine.pack_bias(packed + 4 * part * panels, part === 5 ? bias : 0, outChannels, channels)
      const perThread = own.map((address, i) => ({ address, bytes: 4 * scratch[i]! }))
      engine.each(
        'winograd_convolve',
        split(engine, sizes.batch, workOf(sizes)).map((part) => [
          [
            operands.output + part.begin * outputBytes(sizes),
            operands.images + part.begin * imageBytes(sizes),
          ],
          [packed, ...perThread],
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
  const each = [...scratch, 16 * count]
  const parts = splitSum(sizes.batch, workOf(sizes))
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
