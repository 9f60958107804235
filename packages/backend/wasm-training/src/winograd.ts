// 3x3 convolutions of stride 1 with 16 products in place of 36 for four outputs: see kernels.c.
import type { ConvolutionInfo } from './convolution-info.ts'
import { type Call, compute } from './kernel.ts'
import { packedSize } from './packing.ts'

/** Whether it is worth it: with few channels the transforms take as long as the products that they save. */
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

/** The images that a convolution reads and those that it gives. */
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
  /** The filter is of the convolution whose gradient this is: turned by 180°, and [3, 3, outChannels, channels]. */
  readonly turned: boolean
  /** How far apart the pixels of the images are set before: the stride, in the gradient of the input. */
  readonly spread: readonly [y: number, x: number]
  readonly bounds: readonly [low: number, high: number]
}

/** How many rows of tiles, of 2x2 outputs, are in work at once, and the scratch space for them. */
function work({ outWidth, channels, outChannels }: Images): { rows: number; scratch: number[] } {
  const across = Math.ceil(outWidth / 2)
  // Measured: some 64 tiles stay in the second cache.
  const rows = Math.max(1, Math.floor(64 / across))
  const strip = 4 * (2 * across + 2) * Math.max(channels, outChannels)
  const parts = [channels, outChannels].map((each) => 16 * (rows * across * each + 16))
  return { rows, scratch: [strip, ...parts] }
}

export function winogradConvolve(call: Call, sizes: Images, operands: Operands): void {
  const { channels, outChannels } = sizes
  const { filter, turned, bias } = operands
  const count = channels * outChannels
  const panels = packedSize(channels, outChannels)
  const { rows, scratch } = work(sizes)
  const [stride, step] = turned ? [1, channels] : [outChannels, 1]
  compute(
    call,
    [16 * count, 16 * panels, ...scratch],
    (engine, transformed, packed, strip, inputs, products) => {
      engine.winograd_filter(transformed, filter, count, Number(turned))
      for (let part = 0; part < 16; part++) {
        const to = packed + 4 * part * panels
        const from = transformed + 4 * part * count
        engine.pack(to, from, channels, outChannels, stride, step, 0, channels)
        // A constant in this part is one in all four outputs, and in no other.
        engine.pack_bias(to, part === 5 ? bias : 0, outChannels, channels)
      }
      engine.winograd_convolve(
        [operands.output, operands.images, packed, strip, inputs, products],
        [sizes.batch, sizes.height, sizes.width, channels, sizes.top, sizes.left],
        [...operands.spread, sizes.outHeight, sizes.outWidth, outChannels, rows],
        operands.bounds,
      )
    },
  )
}

/** `gradient` is [3, 3, channels, outChannels], for the gradient `dy` of the output. */
export function winogradFilterGradient(
  call: Call,
  sizes: Images,
  { gradient, images, dy }: { gradient: number; images: number; dy: number },
): void {
  const { channels, outChannels } = sizes
  const { rows, scratch } = work(sizes)
  compute(
    call,
    [16 * channels * outChannels, ...scratch],
    (engine, sums, strip, inputs, upstream) => {
      engine.winograd_filter_gradient(
        [gradient, images, dy, strip, inputs, upstream, sums],
        [sizes.batch, sizes.height, sizes.width, channels, sizes.top, sizes.left],
        [sizes.outHeight, sizes.outWidth, outChannels, rows],
      )
    },
  )
}
