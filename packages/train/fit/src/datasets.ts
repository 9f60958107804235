import * as tf from '@tensorflow/tfjs-core'
import { batchOf, drawsFor, type OpenRun } from '@tricks/train'
import type { Dataset } from './attach.ts'
import type { Position } from './training.ts'

/** The batches after all tricks, one epoch per pass. */
export function trainingDataset({ pipeline, data }: OpenRun, at: Position): Dataset {
  return datasetOf(data.stepsPerEpoch, (index) => {
    release(at)
    const time = data.time(at.first + index)
    const raw = data.batch(time.step)
    at.batch = pipeline.batch(raw.images, raw.targets, time, drawsFor(pipeline, raw, time))
    tf.dispose([raw.images, raw.targets])
    return { xs: at.batch.images, ys: at.batch.targets }
  })
}

/** Frees the tensors that `fitDataset` does not: it only disposes images and targets. */
export function release(at: Position): void {
  if (at.batch) tf.dispose([at.batch.mixedTargets, at.batch.prepared])
  at.batch = undefined
}

/** The validation images, if any. */
export function validationDataset({ pipeline, data: { heldOut } }: OpenRun): Dataset | undefined {
  if (!heldOut) return undefined
  const batchSize = 500
  const size = heldOut.indices.length
  return datasetOf(Math.ceil(size / batchSize), (index) => {
    const from = index * batchSize
    const { images, targets } = batchOf(heldOut, from, Math.min(size, from + batchSize))
    const normal = pipeline.normalize(images)
    images.dispose()
    return { xs: normal, ys: targets }
  })
}

/** The part of a tf.data dataset that fitDataset uses; each iteration starts a new pass. */
function datasetOf(size: number, batch: (index: number) => tf.TensorContainer): Dataset {
  return {
    size,
    async iterator() {
      let index = 0
      return {
        next: async () =>
          index < size ? { value: batch(index++), done: false } : { value: null, done: true },
      }
    },
  }
}
