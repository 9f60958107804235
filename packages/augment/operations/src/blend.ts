import * as tf from '@tensorflow/tfjs-core'
import { byOperation, eachImage, grey, toLevels } from './levels.ts'
import type { Levels, Operation, Step, OperationContext } from './operation.ts'

/**
 * Blends as from + amount · (to − from), clipped and rounded down. Brightness, contrast, color and sharpness blend from
 * another image to this one, and extrapolate for magnitudes above 0; sample pairing blends from this image to another
 * one.
 */
export function blend(
  levels: Levels,
  steps: readonly Step[],
  { originals }: OperationContext,
): Levels {
  return byOperation(levels, steps, (op, own, some) => {
    const other = blendedWith(op, own, some, originals)
    const pairing = op === 'SamplePairing'
    const amount = ({ magnitude }: Step): number => (pairing ? magnitude : 1 + magnitude)
    const [from, to] = pairing ? [own, other] : [other, own]
    return tf.floor(tf.clipByValue(lead(op, from, to, some, amount), 0, 255))
  })
}

function lead(
  op: Operation,
  from: Levels,
  to: Levels,
  steps: readonly Step[],
  amount: (step: Step) => number,
): Levels {
  const amounts = eachImage(steps, amount)
  // Exact if both are equal, as at Sharpness's border: the sum of two products may end just below the level, which
  // rounds down to the next lower one. Color uses that sum, to round like torchvision's tensors.
  if (op !== 'Color' || from === to) return tf.add(from, tf.mul(tf.sub(to, from), amounts))
  const rest = eachImage(steps, (step) => 1 - amount(step))
  return tf.add(tf.mul(to, amounts), tf.mul(from, rest))
}

function blendedWith(
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

/** A 3 × 3 mean in which the centre pixel has weight 5; the border is unchanged. */
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
