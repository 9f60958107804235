// Image augmentations by programs, which @tricks/kernels documents.
import * as tf from '@tensorflow/tfjs-core'
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
  const [batch, ...shape] = images.shape as [number, number, number, number]
  const output = makeOutput(call, images.shape)
  const scratch = Math.max(256, tf.util.sizeFromShape(shape))
  compute(call, [scratch * threadsOf(call)], (engine, address) => {
    const [to, from, numbers] = [output, images, program].map((info) => pointer(call, info))
    engine.each(
      'augment',
      split(engine, batch, 24 * size(images)).map(({ begin, count }) => [
        [to!, from!, numbers!, { address, bytes: 4 * scratch }],
        [...shape, begin, begin + count],
      ]),
    )
  })
  return output
}

export function registerAugment(): void {
  extend('AugmentImages', () => augment)
}
