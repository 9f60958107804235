import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import type { ImageSet } from '@tricks/train'
import { parseJson } from '@tricks/safetensors'
import { parseFacts } from './record/record.ts'
import type { RecipeContext } from './recipe.ts'

/** Whether a run's folder contains a trained model. */
export const hasModel = (folder: string): boolean => existsSync(join(folder, 'model', 'model.json'))

/** A run's model. It takes images in [0, 1], as it includes normalisation, and returns logits. */
export interface TrainedModel {
  readonly model: layers.LayersModel
  readonly classes: readonly string[]
}

/**
 * Loads a run's model.
 *
 * @param folder the run's folder
 * @throws Error if the folder contains no model
 * @example
 * const { model, classes } = await loadModel('runs/1')
 */
export async function loadModel(folder: string): Promise<TrainedModel> {
  if (!hasModel(folder))
    throw new Error(`${folder} contains no trained model: a run writes it when it ends`)
  const read = (name: string): Buffer => readFileSync(join(folder, 'model', name))
  const { modelTopology, weightsManifest } = parseJson(read('model.json').toString()) as {
    modelTopology: object
    weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }]
  }
  const model = await layers.loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest[0].weights,
      weightData: new Uint8Array(read('weights.bin')).buffer,
    }),
  )
  const classes = existsSync(join(folder, 'model', 'classes.json'))
    ? (parseJson(read('classes.json').toString()) as string[])
    : (model.outputs[0]!.shape.slice(-1) as number[]).flatMap((count) =>
        Array.from({ length: count }, (_, i) => `class ${i}`),
      )
  return { model, classes }
}

/**
 * Loads a run's model as a teacher. It takes normalised images and undoes the normalisation.
 *
 * @param folder the folder of a finished run
 * @param student the data to train on
 * @throws Error if the folder contains no finished run, or one with other classes or another image size
 * @example
 * const teacher = await loadTeacher('runs/teacher', trainingImages)
 */
export async function loadTeacher(
  folder: string,
  student: Pick<ImageSet, 'height' | 'width' | 'channels' | 'classes'>,
): Promise<NonNullable<RecipeContext['teacher']>> {
  const { mean, deviation } = parseFacts(readFileSync(join(folder, 'run.json'), 'utf8'))
  if (!mean || !deviation) throw new Error(`${folder} contains no finished run`)
  const { model, classes } = await loadModel(folder)
  const differs = (what: string, got: unknown, expected: unknown): void => {
    const [own, here] = [JSON.stringify(got), JSON.stringify(expected)]
    if (own !== here)
      throw new Error(
        `the teacher in ${folder} learned ${what} ${own}, but the data has ${here}: use another run as the teacher, or train one on this data`,
      )
  }
  const { height, width, channels } = student
  differs('images of', model.inputs[0]!.shape.slice(1), [height, width, channels])
  differs('the classes', classes, student.classes)
  const [scale, shift] = [tf.keep(tf.tensor1d(deviation)), tf.keep(tf.tensor1d(mean))]
  return {
    name: folder,
    apply: (images, options) =>
      tf.tidy(() => model.apply(tf.add(tf.mul(images, scale), shift), options) as tf.Tensor),
  }
}

/**
 * Converts a loaded model to the files that `tf.loadLayersModel` reads.
 *
 * @param output whether the model returns logits or their softmax
 * @example
 * const { model } = await loadModel('runs/1')
 * const files = await modelFiles(model, 'probabilities')
 */
export async function modelFiles(
  model: layers.LayersModel,
  output: 'logits' | 'probabilities',
): Promise<Readonly<Record<'model.json' | 'weights.bin', string | Uint8Array>>> {
  const softmax = layers.layers.activation({ name: 'probabilities', activation: 'softmax' })
  const saved =
    output === 'logits'
      ? model
      : layers.model({
          inputs: model.inputs,
          outputs: softmax.apply(model.outputs[0]!) as layers.SymbolicTensor,
        })
  let artifacts!: tf.io.ModelArtifacts
  await saved.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(given) }
    }),
  )
  const { modelTopology, format, generatedBy, weightSpecs, weightData } = artifacts
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }]
  const topology = { format, generatedBy, convertedBy: null, modelTopology, weightsManifest }
  return {
    'model.json': JSON.stringify(topology),
    'weights.bin': new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
  }
}
