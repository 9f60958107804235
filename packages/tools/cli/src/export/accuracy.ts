import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { type ProgressView, type Settings, validationOf } from '@tricks/run'
import { batchOf, firstOf, openData, type Subset } from '@tricks/train'
import { setUp } from '../session.ts'

/**
 * The images that measure a run's accuracy: its test images, otherwise its validation images; an evenly spaced
 * selection if there are many.
 *
 * @throws Error if the data can't be read
 */
export async function judgedImages(
  settings: Settings,
  most: number,
  view: ProgressView,
): Promise<{ readonly name: 'test' | 'validation'; readonly subset: Subset } | undefined> {
  const { recipe, data } = await setUp(settings, { view })
  if (data.test) {
    const indices = Int32Array.from({ length: data.test.labels.length }, (_, i) => i)
    return { name: 'test', subset: { set: data.test, indices: evenly(indices, most) } }
  }
  const { limit, seed } = settings
  const train = limit === undefined ? data.train : firstOf(data.train, limit)
  const { channels, labels } = train
  const validation = data.validation ?? validationOf(recipe, labels.length)
  // The model includes mean and deviation; passing any avoids measuring them.
  const known = {
    mean: Array<number>(channels).fill(0),
    deviation: Array<number>(channels).fill(1),
  }
  const { heldOut } = openData({ train, validation, ...known, batchSize: 1, epochs: 1, seed })
  return (
    heldOut && {
      name: 'validation',
      subset: { ...heldOut, indices: evenly(heldOut.indices, most) },
    }
  )
}

const evenly = (indices: Int32Array, most: number): Int32Array =>
  indices.length <= most
    ? indices
    : Int32Array.from({ length: most }, (_, i) => indices[Math.floor((i * indices.length) / most)]!)

/** Counts the images that a model with built-in normalisation classifies correctly, and returns its predictions. */
export async function rightOf(
  model: LayersModel,
  subset: Subset,
  batchSize = 32,
): Promise<{ readonly right: number; readonly classes: readonly number[] }> {
  const { set, indices } = subset
  const classes: number[] = []
  for (let from = 0; from < indices.length; from += batchSize) {
    const predicted = tf.tidy(() => {
      const { images } = batchOf(subset, from, Math.min(indices.length, from + batchSize))
      return tf.argMax(model.predict(images) as tf.Tensor2D, 1)
    })
    classes.push(...(await predicted.data()))
    predicted.dispose()
  }
  const right = classes.filter((label, i) => label === set.labels[indices[i]!]).length
  return { right, classes }
}
