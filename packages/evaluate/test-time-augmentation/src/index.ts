import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Predict, type Trick } from '@tricks/core'
import {
  boolean,
  choice,
  defineOptions,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

export const testTimeAugmentationOptions = defineOptions('test-time-augmentation', {
  /** Also predict the mirror image. */
  mirror: boolean({ default: true }),
  /**
   * Also predict two views shifted by this many pixels, up left and down right, with a reflected border; 0 for none.
   */
  shifts: integer({ min: 0, max: 1000, default: 0 }),
  /** Fraction of a batch's images to augment: those with the least confident predictions. */
  unsure: number({ above: 0, max: 1, default: 1 }),
  /** Average logits, or probabilities; the latter returns their logarithm. */
  average: choice(['logits', 'probabilities'], { default: 'logits' }),
})
export type TestTimeAugmentationOptions = OptionsOf<typeof testTimeAugmentationOptions>

interface View {
  readonly weight: number
  readonly images: tf.Tensor4D
}

/** The views of the images, the images themselves first; their weights sum to 1. */
function viewsOf(images: tf.Tensor4D, mirror: boolean, shifts: number): View[] {
  const [, height, width] = images.shape
  const shifted: View[] = [{ weight: shifts > 0 ? 0.5 : 1, images }]
  if (shifts > 0) {
    const small = shifts < height && shifts < width
    assertArgument(small, 'test-time-augmentation', { shifts }, `below ${Math.min(height, width)}`)
    const sides: [number, number] = [shifts, shifts]
    const padded = tf.mirrorPad(images, [[0, 0], sides, sides, [0, 0]], 'reflect')
    for (const at of [0, 2 * shifts])
      shifted.push({
        weight: 0.25,
        images: tf.slice(padded, [0, at, at, 0], [-1, height, width, -1]),
      })
  }
  if (!mirror) return shifted
  return shifted.flatMap(({ weight, images: view }) => [
    { weight: weight / 2, images: view },
    { weight: weight / 2, images: tf.reverse(view, 2) },
  ])
}

/**
 * In evaluation, averages predictions for several views of each image: the original, mirrored, and shifted up left and
 * down right. The original has a weight of a half, each shifted view a quarter; each view's weight is shared equally
 * with its mirror image.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, tricks: [testTimeAugmentation({ mirror: true, shifts: 1 })] })
 * @see Jordan 2024, https://arxiv.org/abs/2404.00498; Krizhevsky et al. 2012
 */
export function testTimeAugmentation({ key, ...given }: TestTimeAugmentationOptions = {}): Trick {
  const options = testTimeAugmentationOptions.parse(given)
  const { mirror, shifts, unsure, average } = options
  const combined = (plain: tf.Tensor2D, next: Predict, images: tf.Tensor4D): tf.Tensor2D => {
    const [first, ...others] = viewsOf(images, mirror, shifts)
    const parts = [
      { weight: first!.weight, logits: plain },
      ...others.map((view) => ({ weight: view.weight, logits: next(view.images) })),
    ]
    if (average === 'logits')
      return tf.addN(parts.map(({ weight, logits }) => tf.mul<tf.Tensor2D>(logits, weight)))
    // log Σ w p, which stays finite if probabilities underflow.
    const logs = parts.map(({ weight, logits }) => tf.add(tf.logSoftmax(logits), Math.log(weight)))
    return tf.logSumExp<tf.Tensor2D>(tf.stack(logs), 0)
  }
  return {
    name: 'test-time-augmentation',
    key,
    options,
    evaluation: {
      predict: (next, images) =>
        tf.tidy(() => {
          const plain = next(images)
          const [size] = images.shape
          const count = Math.ceil(unsure * size)
          if (count === size) return combined(plain, next, images)
          // The order from the least to the most confident, on the device.
          const sureness = tf.max(tf.softmax(plain), 1)
          const { indices: order } = tf.topk(tf.neg(sureness), size)
          const few = tf.slice(order, 0, count)
          const rest = tf.gather(plain, tf.slice(order, count))
          const kept = average === 'logits' ? rest : tf.logSoftmax(rest)
          const done = combined(tf.gather(plain, few), next, tf.gather(images, few))
          const { indices: places } = tf.topk(tf.neg(tf.cast(order, 'float32')), size)
          return tf.gather(tf.concat([done, kept]), places)
        }),
    },
  }
}
