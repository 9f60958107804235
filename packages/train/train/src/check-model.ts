import * as tf from '@tensorflow/tfjs-core'
import { finalActivation } from '@tricks/core/model'
import { batchOf } from './data.ts'
import { type ImageSet, allImages } from './image-set.ts'
import type { Model } from './model.ts'

const probabilities = (what: string, remedy: string): Error =>
  new Error(`train: the model ${what}, but the losses take logits: remove the ${remedy}`)

/**
 * Rejects models that end in a softmax or sigmoid; runs the model on one image. @throws Error if the last operation is
 * one
 */
export function checkActivation(model: Model, { height, width, channels }: ImageSet): void {
  const activation = tf.tidy(() => {
    const image = tf.zeros([1, height, width, channels])
    return finalActivation(() => model.apply(image, { training: false })).activation
  })
  if (activation) throw probabilities(`ends in a ${activation}`, 'activation')
}

/** The number of images to check, limited by the batch size. */
const few = 4
const tolerance = 1e-3

/**
 * Detects probabilities that are computed in another way, such as a softmax written out or the mean of several models.
 * Logits of a few images may lie in [0, 1] by chance, but their rows don't sum to 1, and for images scaled by 1000 and
 * 1/1000 they don't all stay in [0, 1] while coming close to both ends.
 *
 * @throws Error if the outputs are probabilities
 */
export async function checkOutputs(
  model: Model,
  set: ImageSet,
  batchSize: number,
  normalize: (images: tf.Tensor4D) => tf.Tensor4D,
): Promise<void> {
  const classes = set.classes.length
  const outputs = tf.tidy(() => {
    const { images } = batchOf(allImages(set), 0, Math.min(few, batchSize, set.labels.length))
    const normal = normalize(images)
    const given = [normal, tf.mul(normal, 1000), tf.mul(normal, -1000)].map((each) =>
      model.apply(each, { training: false }),
    )
    const fit = (each: unknown): each is tf.Tensor2D =>
      each instanceof tf.Tensor && each.shape.length === 2 && each.shape[1] === classes
    // Other shapes are rejected in the first step.
    return given.every(fit) ? tf.concat(given) : tf.zeros([0])
  })
  const values = await outputs.data()
  outputs.dispose()
  const rows = Array.from({ length: values.length / classes }, (_, i) =>
    values.slice(i * classes, (i + 1) * classes),
  )
  const within = (row: ArrayLike<number>): boolean =>
    Array.from(row).every((value) => value >= -tolerance && value <= 1 + tolerance)
  // A model may overflow on the scaled images.
  const finite = rows.filter((row) => row.every(Number.isFinite))
  if (finite.length < Math.max(2, rows.length / 3) || !finite.every(within)) return
  const sum = (row: ArrayLike<number>): number => Array.from(row).reduce((a, b) => a + b, 0)
  if (finite.every((row) => Math.abs(sum(row) - 1) < tolerance))
    throw probabilities('returns probabilities, rows that sum to 1', 'softmax')
  const all = finite.flatMap((row) => [...row])
  if (Math.min(...all) < tolerance && Math.max(...all) > 1 - tolerance)
    throw probabilities('returns only values in [0, 1], as a sigmoid does', 'activation')
}
