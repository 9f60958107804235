// Stops a run with each trick halfway and resumes it from a checkpoint file: the result must be bit-equal to that of an
// uninterrupted run. A trick without a row fails the test.
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { useBackend } from '@tricks/backend'
import { createRandom, during, type Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { freeze } from '@tricks/fine-tuning'
import { gradientAccumulation } from '@tricks/gradient-accumulation'
import { createModel } from '@tricks/models'
import { randomResizedCrop } from '@tricks/random-resized-crop'
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

const rows: Record<string, Row> = {
  adabound: only('adabound'),
  autoaugment: only('autoaugment'),
  'batch-norm': only('batch-norm'),
  'color-jitter': only('colour-shifting'),
  'constant warm-up': only('constant-warm-up'),
  'cosine-decay': only('cosine-decay'),
  cutout: only('cutout'),
  distillation: only('distillation'),
  dropout: only('dropout'),
  'early-stopping': only('early-stopping'),
  'fine-tuning': withTrick(() => during({ until: { steps: 6 } }, freeze({ batchNorm: true }))),
  'gradient-accumulation': withTrick(() => gradientAccumulation({ microBatch: 7 })),
  'label-smoothing': only('label-smoothing'),
  'linear-scaling': only('linear-scaling'),
  mixup: only('mixup'),
  'mixup or RICAP': only('mixup', 'ricap'),
  'pca-lighting': only('pca-lighting'),
  'plateau after a warm-up': withTrick(() =>
    warmup({
      multiplier: 4,
      over: { steps: 3 },
      after: reduceOnPlateau({ patience: 0, factor: 0.5 }),
    }),
  ),
  'random-crop': only('random-crop'),
  'random-erasing': only('random-erasing'),
  'random-flip': only('mirroring'),
  'random-resized-crop': withTrick(() => randomResizedCrop()),
  'random-rotation': only('rotation'),
  'reduce-on-plateau': withTrick(() => reduceOnPlateau({ patience: 0, factor: 0.5 })),
  ricap: only('ricap'),
  'step-decay': only('step-decay'),
  warmup: withTrick(() => warmup({ multiplier: 4, over: { steps: 7 }, after: cosineDecay() })),
  'weight-penalty': only('l1', 'l2'),
  xavier: only('xavier'),
}

beforeAll(async () => {
  await useBackend('wasm')
})

test('every trick has a row', () => {
  const root = join(import.meta.dirname, '../../..')
  const tricks = globSync('{augment,mix,loss,schedule,optimize}/*', { cwd: root })
    .map((path) => basename(path))
    // A package shared by several tricks, not a trick.
    .filter((name) => name !== 'operations')
  expect(tricks.length).toBeGreaterThan(15)
  expect(tricks.filter((trick) => !(trick in rows))).toEqual([])
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
