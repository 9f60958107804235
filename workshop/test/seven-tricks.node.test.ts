// The seven tricks that the interface was tried on before it was frozen, as packages, in the trainer: none known to it.
import * as tf from '@tensorflow/tfjs-core'
import { during, type Trick } from '@tricks/core'
import { earlyStopping } from '@tricks/early-stopping'
import { gradientAccumulation } from '@tricks/gradient-accumulation'
import { gradientClipping } from '@tricks/gradient-clipping'
import { reduceOnPlateau } from '@tricks/reduce-on-plateau'
import { sharpnessAware } from '@tricks/sharpness-aware'
import { testTimeAugmentation } from '@tricks/test-time-augmentation'
import { train, type TrainOptions, variablesOf } from '@tricks/train'
import { warmup } from '@tricks/warmup'
import { exponentialAverage, stochasticAverage } from '@tricks/weight-averaging'
import { beforeEach, expect, test } from 'vitest'
import { blobs, denseModel } from '../../packages/train/train/test/blobs.ts'

const options = (tricks: Trick[], more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: denseModel(),
  data: { train: blobs(150), test: blobs(60, 1) },
  optimizer: tf.train.momentum(0.1, 0.9),
  epochs: 3,
  batchSize: 32,
  tricks,
  ...more,
})
const weightsOf = (model: TrainOptions['model']): number[] =>
  Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])
const weightsAfter = async (tricks: Trick[], more?: Partial<TrainOptions>): Promise<number[]> => {
  const given = options(tricks, more)
  await train(given)
  return weightsOf(given.model)
}
const distance = (a: number[], b: number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))

beforeEach(async () => {
  await tf.setBackend('cpu')
})

test.each([
  ['exponential', () => exponentialAverage({ decay: 0.95 })],
  ['stochastic', () => stochasticAverage({ from: { steps: 1 }, every: { steps: 2 } })],
])(
  'the %s average: training is unaffected, evaluation uses it, and the model ends with it',
  async (_, make) => {
    const plain = await train(options([]))
    const trick = make()
    const given = options([trick])
    const averaged = await train(given)
    for (const [i, { training }] of averaged.epochs.entries())
      expect(training).toEqual(plain.epochs[i]!.training)
    expect(averaged.epochs[0]!.validation).not.toEqual(plain.epochs[0]!.validation)
    expect(distance(weightsOf(given.model), await weightsAfter([]))).toBeGreaterThan(1e-4)
    // Using the list again gives the same result: each run has fresh state.
    expect((await train(options([trick]))).test).toEqual(averaged.test)
    const before = tf.memory().numTensors
    const again = options([trick])
    const made = tf.memory().numTensors - before
    await train(again)
    again.optimizer.dispose()
    expect(tf.memory().numTensors - before - made).toBeLessThanOrEqual(0)
  },
)

test('sharpness-aware: another gradient, and restored weights', async () => {
  const [none, plain] = [await weightsAfter([sharpnessAware({ rho: 0 })]), await weightsAfter([])]
  expect(distance(none, plain)).toBeLessThan(1e-6)
  const sharp = await train(options([sharpnessAware({ rho: 0.05 })]))
  expect(sharp.test!.accuracy).toBeGreaterThan(0.9)
  expect(await weightsAfter([sharpnessAware({ rho: 0.05 })])).not.toEqual(plain)
})

test('clipping: no effect below the norm, and works on accumulated gradients', async () => {
  const clipping = (norm: number): Trick => gradientClipping({ norm })
  expect(distance(await weightsAfter([clipping(1e6)]), await weightsAfter([]))).toBeLessThan(1e-6)
  const both = [clipping(0.1), gradientAccumulation({ microBatch: 8 })]
  expect(distance(await weightsAfter(both), await weightsAfter([clipping(0.1)]))).toBeLessThan(1e-5)
  const sgd = (): Partial<TrainOptions> => ({
    optimizer: tf.train.sgd(1),
    epochs: 1,
    batchSize: 135,
  })
  const start = weightsOf(denseModel())
  const moved = (await weightsAfter([clipping(0.01)], sgd())).map((w, i) => w - start[i]!)
  expect(Math.hypot(...moved)).toBeCloseTo(0.01, 5)
})

test('test-time augmentation: only evaluation changes', async () => {
  const views = testTimeAugmentation({ shifts: 1 })
  expect(await weightsAfter([views])).toEqual(await weightsAfter([]))
  const losses = await Promise.all([train(options([views])), train(options([]))])
  expect(losses[0].test!.loss).not.toBe(losses[1].test!.loss)
})

test('plateau after a warm-up: counts from its end, with its own state', async () => {
  const rates: number[] = []
  const watch: Trick = {
    name: 'watch',
    options: {},
    learningRate: (rate) => (rates.push(rate), rate),
  }
  const after = reduceOnPlateau({ factor: 0.5, patience: 0 })
  const trick = warmup({ multiplier: 10, over: { steps: 10 }, after })
  const run = (): Promise<unknown> =>
    train(options([trick, watch], { epochs: 8, optimizer: tf.train.sgd(1e-7) }))
  await run()
  for (let step = 0; step < 10; step++)
    expect(rates[step]! / 1e-7).toBeCloseTo(1 + (9 * step) / 10, 6)
  expect(Math.max(...rates) / 1e-6).toBeCloseTo(1, 6)
  expect(rates.at(-1)).toBeLessThan(0.9e-6)
  const once = rates.splice(0)
  await run()
  expect(rates).toEqual(once)
})

test('early stopping: ends the run with the best weights', async () => {
  const stop = earlyStopping({ monitor: 'validation accuracy', patience: 2 })
  const { stopped, epochs, test: tested } = await train(options([stop], { epochs: 30 }))
  expect(stopped).toMatch(/the validation accuracy has not improved for 2 epochs/)
  const accuracies = epochs.map(({ validation }) => validation!.accuracy)
  const best = accuracies.indexOf(Math.max(...accuracies))
  expect(epochs).toHaveLength(best + 3)
  const short = await train(options([], { epochs: best + 1 }))
  expect(tested).toEqual(short.test)
})

test('all together, inside windows, for the whole run', async () => {
  const tricks = [
    gradientClipping({ norm: 1 }),
    gradientAccumulation({ microBatch: 16 }),
    during({ from: { epochs: 1 } }, sharpnessAware({ rho: 0.02 })),
    exponentialAverage({ decay: 0.9 }),
    testTimeAugmentation({ mirror: true }),
    earlyStopping({ patience: 9, restoreBest: false }),
    warmup({ multiplier: 1.5, over: { steps: 5 }, after: reduceOnPlateau({ patience: 3 }) }),
  ]
  const result = await train(options(tricks, { epochs: 4 }))
  expect(result.stopped).toBe('finished')
  expect(result.test!.accuracy).toBeGreaterThan(0.9)
})
