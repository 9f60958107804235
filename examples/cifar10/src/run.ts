import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, useBackend } from '@tricks/backend'
import { loadCifar10, readCifar10, readCifar100 } from '@tricks/cifar10'
import { createRandom, explain } from '@tricks/core'
import { createModel, type ModelName } from '@tricks/models'
import { type ImageSet, train, type TrainResult } from '@tricks/train'
import { duration, percent, progressView } from './progress.ts'
import { recipes } from './recipes.ts'
import { openRunFolder } from './run-folder.ts'

export interface RunOptions {
  readonly recipe: string
  readonly seed: number
  readonly model?: ModelName
  readonly epochs?: number
  readonly backend?: BackendName
  readonly data?: string
  readonly limit?: number
  readonly out?: string
  readonly signal: AbortSignal
}

/** The whole run: backend, data, model, training, the report. */
export async function run({ seed, limit, signal, ...options }: RunOptions): Promise<TrainResult> {
  const recipe = recipes[options.recipe]!
  const epochs = options.epochs ?? recipe.epochs
  const modelName = options.model ?? recipe.model
  const tricks = recipe.tricks()
  const began = new Date()
  const place = options.out ?? join('runs', began.toISOString().replaceAll(':', '-').slice(0, 19))
  // npm and pnpm run scripts in the package's folder; the user stands elsewhere.
  const folder = openRunFolder(resolve(process.env['INIT_CWD'] ?? '.', place))

  const { name: backend, why, passedOver } = await useBackend(options.backend)
  console.log(`Backend    ${backend}: ${why}`)
  for (const { name, reason } of passedOver) console.log(`           not ${name}: ${reason}`)

  const data = await loadData(options.data, signal)
  const training = limit === undefined ? data.train : firstOf(data.train, limit)
  const model = createModel(modelName, {
    ...(options.model === undefined && recipe.modelOptions),
    seed,
    classes: training.classes.length,
  })
  console.log(
    `Data       ${training.labels.length} training and ${data.test.labels.length} test images`,
  )
  console.log(`Model      ${modelName}, ${model.countParams().toLocaleString('en')} parameters`)
  console.log(`Tricks     ${explain(tricks).replaceAll('\n', '\n           ')}`)
  console.log(`Run        ${folder.path}\n`)

  const configuration = {
    recipe: options.recipe,
    model: modelName,
    epochs,
    seed,
    batchSize: recipe.batchSize,
    validation: recipe.validation,
    tricks: tricks.map(({ name, options: given }) => ({ name, options: given })),
    data: options.data ?? 'embedded CIFAR-10 (JPEG re-encoding)',
    trainingImages: training.labels.length,
    backend,
    versions: { node: process.version, tfjs: tf.version_core },
    hardware: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`,
    began: began.toISOString(),
  }
  folder.describe({ ...configuration, state: 'running' })

  const view = progressView(epochs)
  try {
    const result = await train({
      model,
      data: { train: training, test: data.test },
      tricks,
      optimizer: recipe.optimizer(),
      epochs,
      seed,
      batchSize: Math.min(recipe.batchSize, training.labels.length),
      validation: Math.min(recipe.validation, Math.floor(training.labels.length / 10)),
      signal,
      onProgress(progress) {
        view.show(progress)
        const { time, ...metrics } = progress
        folder.record({ step: time.step, ...metrics })
      },
    })
    view.end()
    await folder.saveModel(model, result)
    const seconds = (Date.now() - began.getTime()) / 1000
    folder.describe({
      ...configuration,
      state: result.stopped,
      seconds,
      test: result.test,
      epochs: result.epochs,
    })
    report(result, { seconds, backend, hardware: configuration.hardware, path: folder.path })
    return result
  } catch (error) {
    view.end()
    folder.describe({ ...configuration, state: 'failed', error: (error as Error).message })
    throw error
  }
}

function report(
  { test, stopped, steps }: TrainResult,
  {
    seconds,
    backend,
    hardware,
    path,
  }: { seconds: number; backend: string; hardware: string; path: string },
): void {
  if (test) {
    console.log(
      `\n${percent(test.accuracy)} of the test images are right (loss ${test.loss.toFixed(3)})`,
    )
  } else {
    console.log(`\nStopped after ${steps} steps (${stopped}); the test images were not looked at`)
  }
  console.log(
    `in ${duration(seconds)} min on ${hardware}, backend ${backend}, Node ${process.version}`,
  )
  console.log(
    'The images are a JPEG re-encoding of CIFAR-10, so compare with figures on the same images.',
  )
  console.log(`Saved in ${path}: run.json, metrics.jsonl, model/`)
}

async function loadData(
  folder: string | undefined,
  signal: AbortSignal,
): Promise<{ train: ImageSet; test: ImageSet }> {
  if (folder !== undefined) {
    const hundred = ['train.bin', 'cifar-100-binary'].some((name) => existsSync(join(folder, name)))
    return hundred ? readCifar100(folder) : readCifar10(folder)
  }
  let shown = 0
  return loadCifar10({
    signal,
    onProgress(done, total) {
      const share = Math.floor((done / total) * 100)
      if (share < shown + (process.stdout.isTTY ? 1 : 25) && done < total) return
      shown = share
      if (process.stdout.isTTY)
        process.stdout.write(`\rData       decoding once: ${share} %${done === total ? '\n' : ''}`)
      else console.log(`Data       decoding once: ${share} %`)
    },
  })
}

/** The first images of a fixed shuffle, so that a small set has all classes. */
function firstOf(set: ImageSet, limit: number): ImageSet {
  const size = set.height * set.width * set.channels
  const count = Math.min(limit, set.labels.length)
  const order = createRandom(0).fork('limit').permutation(set.labels.length).subarray(0, count)
  const images = new Uint8Array(count * size)
  order.forEach((from, to) =>
    images.set(set.images.subarray(from * size, (from + 1) * size), to * size),
  )
  return { ...set, images, labels: Uint8Array.from(order, (from) => set.labels[from]!) }
}
