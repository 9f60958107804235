// Stops a run with each trick halfway and resumes it from a checkpoint file: the result must be bit-equal to that of an
// uninterrupted run. Tricks, layers and optimizers are found in the packages; the rows here are networks and
// combinations.
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { useBackend } from '@tricks/backend'
import { createRandom, during, type Trick } from '@tricks/core'
import { freeze } from '@tricks/fine-tuning'
import { createModel } from '@tricks/models'
import { randomFlip } from '@tricks/random-flip'
import { reduceOnPlateau } from '@tricks/reduce-on-plateau'
import { decode, encode, modelOf, type Recipe, tricksOf } from '@tricks/run'
import {
  type Checkpoint,
  type ImageSet,
  train,
  type TrainOptions,
  variablesOf,
} from '@tricks/train'
import { warmup } from '@tricks/warmup'
import { beforeAll, expect, test } from 'vitest'
import { factories, type Factory } from '../../../../workshop/factories.ts'
import { articleRecipe, type ArticleTrick } from '../src/recipes/article.ts'
import { dryContext } from '../src/recipes/dry.ts'

const random = createRandom(6)
const count = 90
const set: ImageSet = {
  images: Uint8Array.from({ length: count * 12 * 12 * 3 }, () => random.integer(0, 256)),
  labels: Array.from({ length: count }, () => random.integer(0, 10)),
  height: 12,
  width: 12,
  channels: 3,
  classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
}

type Row = () => Promise<Pick<TrainOptions, 'model' | 'optimizer' | 'tricks'>>

const size = { inputShape: [12, 12, 3], seed: 1 } as const
const only =
  (...names: ArticleTrick[]): Row =>
  async () => {
    const recipe = articleRecipe('', names)
    const teacher = createModel('plain', { ...size, widths: [[4], [8]], seed: 2 })
    const context = { ...dryContext(recipe, { height: 12, width: 12 }), seed: 1, teacher }
    const modelOptions = { ...recipe.modelOptions, widths: [[4], [8]] }
    const model = await modelOf({ ...recipe, modelOptions } as Recipe, context)
    return { model, optimizer: recipe.optimizer(), tricks: tricksOf(recipe, context) }
  }
const withTrick =
  (make: () => Trick): Row =>
  async () => ({ ...(await only('batch-norm')()), tricks: [make()] })

/** A model with the layer in it. */
const withLayer =
  (make: () => layers.layers.Layer): Row =>
  async () => {
    const kernelInitializer = () => layers.initializers.glorotNormal({ seed: 3 })
    const model = layers.sequential({
      layers: [
        layers.layers.conv2d({
          inputShape: [12, 12, 3],
          filters: 4,
          kernelSize: 3,
          kernelInitializer: kernelInitializer(),
        }),
        make(),
        layers.layers.globalAveragePooling2d({}),
        layers.layers.dense({ units: 10, kernelInitializer: kernelInitializer() }),
      ],
    })
    return { model, optimizer: tf.train.momentum(0.05, 0.9), tricks: [] }
  }

/** A row for a factory's result with its sample options. */
function found(factory: Factory): Row {
  // A layer's draws depend on its name, and tfjs numbers unnamed layers across the process.
  const named = 'name' in factory.options.kinds && { name: 'layer' }
  const make = () => factory.make({ ...factory.sample({ classes: 10 }), ...named })
  const made = make() as object
  if (made instanceof tf.Optimizer)
    return async () => ({ ...(await only('batch-norm')()), optimizer: make() as tf.Optimizer })
  if ('getConfig' in made) return withLayer(make as () => layers.layers.Layer)
  return withTrick(make as () => Trick)
}

const rows: Record<string, Row> = {
  ...Object.fromEntries(factories.map((factory) => [factory.name, found(factory)])),
  'batch-norm in a network': only('batch-norm'),
  'dropout in a network': only('dropout'),
  'a network as a teacher': only('distillation'),
  'frozen for a part of the run': withTrick(() =>
    during({ until: { steps: 6 } }, freeze({ batchNorm: true })),
  ),
  'mixup or RICAP': only('mixup', 'ricap'),
  'alternating flips': withTrick(() => randomFlip({ alternate: true })),
  'plateau after a warm-up': withTrick(() =>
    warmup({
      multiplier: 4,
      over: { steps: 3 },
      after: reduceOnPlateau({ patience: 0, factor: 0.5 }),
    }),
  ),
}

beforeAll(async () => {
  await useBackend('wasm')
})

test.each(Object.entries(rows))('%s', async (_, row) => {
  const options = async (): Promise<TrainOptions> => ({
    ...(await row()),
    data: { train: set },
    epochs: 4,
    batchSize: 20,
    validation: 10,
    seed: 5,
    readEvery: 3,
  })
  const weightsOf = ({ model }: TrainOptions): number[] =>
    Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])

  const whole = await options()
  const first: Checkpoint[] = []
  await train({
    ...whole,
    checkpoint: { every: { steps: 1 }, save: (checkpoint) => void first.push(checkpoint) },
  })
  for (const step of [5, 8]) {
    const saved = first.find((checkpoint) => checkpoint.step === step)!
    const again = { ...(await options()), resume: decode(encode(saved)) }
    await train(again)
    expect(weightsOf(again)).toEqual(weightsOf(whole))
  }
})
