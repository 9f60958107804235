import * as tf from '@tensorflow/tfjs-core'
import { byOperation, eachImage, grey, type Levels, toLevels } from './levels.ts'
import type { Operation, Step, Surroundings } from './operation.ts'

/**
 * Brightness, contrast, color, sharpness, sample pairing: factor · image + (1 − factor) · other, clipped and
 * rounded down.
 */
export function blend(levels: Levels, steps: readonly Step[], { originals }: Surroundings): Levels {
  // An enhancement's magnitude leads away from the other image, pairing's is that image's weight.
  const factor = ({ op, magnitude }: Step): number =>
    op === 'SamplePairing' ? 1 - magnitude : 1 + magnitude
  const others = byOperation(levels, steps, (op, own, some) => otherOf(op, own, some, originals))
  const mixed: Levels = tf.add(
    tf.mul(levels, eachImage(steps, factor)),
    tf.mul(
      others,
      eachImage(steps, (step) => 1 - factor(step)),
    ),
  )
  return tf.floor(tf.clipByValue(mixed, 0, 255))
}

function otherOf(
  op: Operation,
  levels: Levels,
  steps: readonly Step[],
  originals: tf.Tensor4D,
): Levels {
  const [, height, width, channels] = levels.shape
  switch (op) {
    case 'Brightness':
      return tf.zerosLike(levels)
    case 'Contrast':
      return tf.tile(tf.mean<Levels>(grey(levels), [1, 2], true), [1, height, width, channels])
    case 'Color':
      return channels === 1 ? levels : tf.tile(grey(levels), [1, 1, 1, channels])
    case 'Sharpness':
      return smooth(levels)
    default: {
      const partners = steps.map(({ partner }) => partner!)
      return toLevels(tf.gather(originals, tf.tensor1d(partners, 'int32')))
    }
  }
}

/** The mean of 3 × 3 pixels where the middle one counts five times; the border stays. */
function smooth(levels: Levels): Levels {
  const [batch, height, width, channels] = levels.shape
  if (height < 3 || width < 3) return levels
  const nine = tf.mul(tf.avgPool(levels, 3, 1, 'valid'), 9)
  const middle = tf.slice(levels, [0, 1, 1, 0], [-1, height - 2, width - 2, -1])
  const inner = tf.round(tf.div(tf.add(nine, tf.mul(middle, 4)), 13))
  const line = width * channels
  const border = new Float32Array(height * line).fill(1)
  for (let row = 1; row < height - 1; row++)
    border.fill(0, row * line + channels, (row + 1) * line - channels)
  const around = tf.mul(tf.reshape(levels, [batch, border.length]), tf.tensor1d(border))
  return tf.add(
    tf.reshape(around, levels.shape),
    tf.pad(inner, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]),
  )
}
