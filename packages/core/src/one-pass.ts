import * as tf from '@tensorflow/tfjs-core'

/**
 * The program of an image, for the kernel `AugmentImages`: instructions, each a code and its numbers. It writes every
 * pixel of the image's output, and later instructions see what earlier ones wrote.
 */
export type ImageProgram = number[]

/** The codes of instructions, with their numbers; @tricks/kernels documents them. */
export const instructions = {
  copy: 0,
  fill: 1,
  random: 2,
  mix: 3,
  warp: 4,
  brightness: 5,
  contrast: 6,
  saturation: 7,
  hue: 8,
  shift: 9,
  toLevels: 10,
  fromLevels: 11,
  tone: 12,
  autoContrast: 13,
  equalize: 14,
  lead: 15,
  pair: 16,
  resize: 17,
} as const

/**
 * Augments a batch in one pass over its images if the backend has a kernel for that, and by tfjs operations otherwise and
 * where a gradient is computed.
 *
 * @param images `[batch, height, width, channels]`
 * @param write writes the program of an image
 * @param composed computes the same from tfjs operations
 * @param size [height, width] of the result, default the images'; for another, the program may only resize
 * @returns `[batch, ...size, channels]`
 * @example
 * import { copyImage } from '@tricks/core/augmentation'
 *
 * const lighter = inOnePass(
 *   images,
 *   (image, program) => {
 *     copyImage(program, images.shape, image)
 *     program.push(instructions.brightness, 1.2)
 *   },
 *   (x) => tf.clipByValue(tf.mul(x, 1.2), 0, 1),
 * )
 */
export function inOnePass(
  images: tf.Tensor4D,
  write: (image: number, program: ImageProgram) => void,
  composed: (images: tf.Tensor4D) => tf.Tensor4D,
  size: readonly [height: number, width: number] = [images.shape[1], images.shape[2]],
): tf.Tensor4D {
  // tfjs differentiates the composition, but knows no gradient of the kernel.
  const differentiated = tf.engine().state.gradientDepth > 0
  const supported = tf.getKernel('AugmentImages', tf.getBackend()) !== undefined
  if (differentiated || !supported || images.size === 0 || images.dtype !== 'float32')
    return composed(images)
  return tf.tidy(() => {
    const program = tf.tensor1d(encode(images.shape[0], write), 'int32')
    return tf.engine().runKernel('AugmentImages', { images, program }, { size: [...size] })
  })
}

/** The offset of each image's program and the end of the last one, then the programs: float64 in pairs of int32. */
function encode(batch: number, write: (image: number, program: ImageProgram) => void): Int32Array {
  const program = Array<number>(batch + 1).fill(0)
  for (let image = 0; image < batch; image++) {
    program[image] = program.length
    write(image, program)
  }
  program[batch] = program.length
  return new Int32Array(new Float64Array(program).buffer)
}
