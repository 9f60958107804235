// Image augmentations by programs, which @tricks/kernels documents.
import {
  type Call,
  type Info,
  compute,
  extend,
  input,
  makeOutput,
  pointer,
  size,
  split,
  threadsOf,
} from './kernel.ts'

function augment(call: Call): Info {
  const [images, program] = [input(call, 'images'), input(call, 'program')]
  const [batch, ...from] = images.shape as [number, number, number, number]
  const [height, width] = call.attrs['size'] as [number, number]
  const [, fromWidth, channels] = from
  const output = makeOutput(call, [batch, height, width, channels])
  const scratch = Math.max(256, height * Math.max(width, fromWidth) * channels)
  compute(call, [scratch * threadsOf(call)], (engine, address) => {
    const [to, source, numbers] = [output, images, program].map((info) => pointer(call, info))
    engine.each(
      'augment',
      split(engine, batch, 24 * Math.max(size(images), size(output))).map(({ begin, count }) => [
        [to!, source!, numbers!, { address, bytes: 4 * scratch }],
        [height, width, ...from, begin, begin + count],
      ]),
    )
  })
  return output
}

export function registerAugment(): void {
  extend('AugmentImages', () => augment)
}
