import { cpus } from 'node:os'
import * as tf from '@tensorflow/tfjs-core'
import { composeRun } from '@tricks/core/run'
import type { ImageSet } from '@tricks/train'
import * as v from 'valibot'
import type { RunOptions } from './options.ts'
import { hashOf } from './record/same.ts'
import { type RunFacts, settingsSchema } from './record/schema.ts'
import { revisionOf } from './revision.ts'
import type { Setup } from './set-up.ts'

/** How many images each class has. */
function countsOf({ labels, classes }: ImageSet): number[] {
  const counts = Array<number>(classes.length).fill(0)
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++
  return counts
}

/** The content of run.json at the start of a run. */
export function factsOf(options: RunOptions, setup: Setup): RunFacts {
  const { recipe, data, epochs = recipe.epochs, settings, command } = options
  const { tricks, model, optimizer, training, batches, batchSize, validation } = setup
  const processors = cpus()
  return {
    state: 'running',
    ...(command !== undefined && { command }),
    // In the schema's order, so that a resumed run records identical text.
    ...(settings && { settings: v.parse(settingsSchema, settings) }),
    model: typeof recipe.model === 'string' ? recipe.model : model.name,
    parameters: model.countParams(),
    optimizer: { name: optimizer.getClassName(), ...optimizer.getConfig() },
    epochs,
    stepsPerEpoch: batches.stepsPerEpoch,
    steps: batches.stepsPerEpoch * epochs,
    batchSize,
    ...(recipe.repeats && { repeats: recipe.repeats }),
    validation: data.validation?.labels.length ?? validation,
    seed: options.seed ?? 0,
    precision: options.precision ?? recipe.precision ?? 'float32',
    pipeline: composeRun(tricks).plan(),
    classes: [...training.classes],
    classCounts: countsOf(training),
    data: {
      from: data.name,
      height: training.height,
      width: training.width,
      channels: training.channels,
      trainingImages: training.labels.length,
      ...(data.validation && { validationImages: data.validation.labels.length }),
      testImages: data.test?.labels.length ?? 0,
      sha256: hashOf(training, ...(data.validation ? [data.validation] : [])),
    },
    backend: tf.getBackend(),
    revision: revisionOf(process.cwd()),
    versions: { node: process.version, tfjs: tf.version_core },
    hardware: `${processors[0]?.model ?? 'unknown processor'}, ${processors.length} cores`,
  }
}
