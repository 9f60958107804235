import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import type { Teacher } from '@tricks/distillation'

/** Whether a run's folder holds a trained model. */
export const hasModel = (folder: string): boolean => existsSync(join(folder, 'model', 'model.json'))

/** A run's model as a teacher: it normalises images itself, so what the pipeline did is undone for it. */
export async function loadTeacher(folder: string): Promise<Teacher> {
  const { modelTopology, weightsManifest } = JSON.parse(
    readFileSync(join(folder, 'model', 'model.json'), 'utf8'),
  ) as { modelTopology: object; weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }] }
  const { mean, deviation } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as {
    mean: number[]
    deviation: number[]
  }
  const weights = readFileSync(join(folder, 'model', 'weights.bin'))
  const model = await loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest[0].weights,
      weightData: new Uint8Array(weights).buffer,
    }),
  )
  const [scale, shift] = [tf.keep(tf.tensor1d(deviation)), tf.keep(tf.tensor1d(mean))]
  return {
    name: folder,
    apply: (images, options) =>
      tf.tidy(() => model.apply(tf.add(tf.mul(images, scale), shift), options) as tf.Tensor),
  }
}
