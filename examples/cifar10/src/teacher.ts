import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers'
import type { Teacher } from '@tricks/distillation'

/** Whether a run's folder holds a trained model. */
export const hasModel = (folder: string): boolean => existsSync(join(folder, 'model', 'model.json'))

/** A run's model, with its normalisation inside: it takes images in [0, 1]. */
export async function loadModel(folder: string): Promise<LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(
    readFileSync(join(folder, 'model', 'model.json'), 'utf8'),
  ) as { modelTopology: object; weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }] }
  const weights = readFileSync(join(folder, 'model', 'weights.bin'))
  return loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest[0].weights,
      weightData: new Uint8Array(weights).buffer,
    }),
  )
}

/** A run's model as a teacher: what the pipeline did to normalise images is undone for it. */
export async function loadTeacher(folder: string): Promise<Teacher> {
  const { mean, deviation } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as {
    mean: number[]
    deviation: number[]
  }
  const model = await loadModel(folder)
  const [scale, shift] = [tf.keep(tf.tensor1d(deviation)), tf.keep(tf.tensor1d(mean))]
  return {
    name: folder,
    apply: (images, options) =>
      tf.tidy(() => model.apply(tf.add(tf.mul(images, scale), shift), options) as tf.Tensor),
  }
}
