import { conformance, expectClose } from '@tricks/conformance'
import { type Epoch, type Run } from '@tricks/core'
import { composeRun, type RunPipeline } from '@tricks/core/run'
import { warmup } from '@tricks/warmup'
import { describe, expect, test } from 'vitest'
import {
  type PlateauOptions,
  plateauSchedule,
  reduceOnPlateau,
  type ReduceOnPlateauOptions,
} from '../src/index.ts'
import fixture from './fixtures/reduce-on-plateau.json' with { type: 'json' }

describe.each(fixture.cases)('matches torch: $params', ({ params, metric, expected }) => {
  const { lr: rate, factor, patience, threshold, cooldown, min } = params
  const mode = params.mode as 'min' | 'max'

  test('alone', () => {
    const plateau = plateauSchedule({ rate, factor, patience, threshold, cooldown, min, mode })
    const rates = metric.map((each) => {
      const now = plateau.rate()
      plateau.observe(each)
      return now
    })
    expectClose(rates, expected, { absolute: 0, relative: 1e-12 })
  })

  test('as a trick', () => {
    const monitor = mode === 'min' ? 'validation loss' : 'validation accuracy'
    const trick = reduceOnPlateau({ monitor, factor, patience, threshold, cooldown, min })
    const pipeline = composeRun([trick])
    pipeline.start({} as Omit<Run, 'random'>)
    const rates = metric.map((each, epoch) => {
      const now = pipeline.learningRate(rate, epoch * 10)
      observe(pipeline, epoch, mode === 'min' ? { loss: each } : { accuracy: each })
      return now
    })
    expectClose(rates, expected, { absolute: 0, relative: 1e-12 })
  })
})

function observe(
  { afterEpoch }: Pick<RunPipeline, 'afterEpoch'>,
  epoch: number,
  metrics: { loss?: number; accuracy?: number },
): void {
  const time = { step: 10 * (epoch + 1), stepsPerEpoch: 10, steps: 400 }
  const validation = { loss: 0, accuracy: 0, ...metrics }
  afterEpoch({ epoch, time, training: validation, validation, variables: {} })
}

test('skips tiny cuts, and NaN is no improvement', () => {
  const plateau = plateauSchedule({ rate: 1e-8, factor: 0.5, patience: 0 })
  for (const loss of [1, 1, 1]) plateau.observe(loss)
  expect(plateau.rate()).toBe(1e-8)

  const lost = plateauSchedule({ rate: 1, factor: 0.5, patience: 0 })
  for (const loss of [NaN, 3, NaN, 2]) lost.observe(loss)
  expect(lost.rate()).toBe(0.25)
  expect(lost.save()).toEqual({ best: 2, bad: 0, cooling: 0, cuts: 2 })
})

test('resumes from a saved state', () => {
  const options: PlateauOptions & { rate: number } = { rate: 1, factor: 0.5, patience: 1 }
  const [first, second] = [plateauSchedule(options), plateauSchedule(options)]
  for (const loss of [1, 1]) first.observe(loss)
  second.restore(JSON.parse(JSON.stringify(first.save())))
  for (const plateau of [first, second]) plateau.observe(1)
  expect([first.rate(), second.rate()]).toEqual([0.5, 0.5])
})

test('after a warm-up, it sees only later epochs and starts from the warmed-up rate', () => {
  const after = reduceOnPlateau({ factor: 0.5, patience: 0 })
  const pipeline = composeRun([warmup({ multiplier: 8, over: { epochs: 2 }, after })], {
    stepsPerEpoch: 10,
    steps: 400,
  })
  pipeline.start({} as Omit<Run, 'random'>)
  const rates = [5, 1, 1, 1].map((loss, epoch) => {
    const rate = pipeline.learningRate(0.1, 10 * epoch)
    observe(pipeline, epoch, { loss })
    return rate
  })
  expectClose([...rates, pipeline.learningRate(0.1, 40)], [0.1, 0.45, 0.8, 0.8, 0.4])
})

test.each([
  ['min', [3, 2, 2], 0.5],
  ['min', [3, 2, 1.99], 1],
  ['max', [0.2, 0.5, 0.5], 0.5],
  ['max', [0.2, 0.5, 0.51], 1],
] as const)('without a threshold %s of %j ends at a rate of %d', (mode, metrics, expected) => {
  const options = { rate: 1, factor: 0.5, patience: 0, threshold: 0, mode }
  const plateau = plateauSchedule(options)
  for (const metric of metrics) plateau.observe(metric)
  expect(plateau.rate()).toBe(expected)
})

test('it sets the rate, which conflicts with another', () => {
  const twice = [reduceOnPlateau(), reduceOnPlateau({ key: 'other' })]
  expect(() => composeRun(twice)).toThrow('reduce-on-plateau and other both set the learning rate')
})

test('resolves options with defaults', () => {
  expect(reduceOnPlateau().options).toEqual({
    monitor: 'validation loss',
    factor: 0.1,
    patience: 10,
    threshold: 1e-4,
    cooldown: 0,
    min: 0,
  })
  expect(reduceOnPlateau({ monitor: 'validation accuracy', patience: 0 }).options).toEqual({
    monitor: 'validation accuracy',
    factor: 0.1,
    patience: 0,
    threshold: 1e-4,
    cooldown: 0,
    min: 0,
  })
})

test('rejects invalid parameters, and an epoch without validation', () => {
  const epoch: Epoch = {
    epoch: 3,
    time: { step: 40, stepsPerEpoch: 10, steps: 400 },
    training: { loss: 1, accuracy: 0 },
    variables: {},
  }
  const plateau = { best: null, bad: 0, cooling: 0, cuts: 0 }
  expect(() => reduceOnPlateau().afterEpoch!(epoch, plateau)).toThrow(
    'reduce-on-plateau: epoch 3 has no validation loss: hold out some of the training images',
  )
  expect(() => plateauSchedule({ rate: 0 })).toThrow(
    'reduce-on-plateau: expected rate to be a number above 0, got 0',
  )
  expect(() => plateauSchedule({ rate: 1, mode: 'least' as 'min' })).toThrow("'min' or 'max'")
  for (const [name, wrong] of [
    ['rate', '1'],
    ['factor', '0.1'],
    ['patience', null],
    ['threshold', NaN],
    ['monitor', 'validation loss'],
  ] as const)
    expect(() => plateauSchedule({ rate: 1, [name]: wrong as never })).toThrow(
      `reduce-on-plateau: expected ${name === 'monitor' ? 'options' : name} to be`,
    )
  for (const wrong of ['0.5', null, undefined])
    expect(() => plateauSchedule({ rate: 1 }).observe(wrong as never)).toThrow(
      `reduce-on-plateau: expected metric to be a number, got ${wrong}`,
    )
})

conformance(() => reduceOnPlateau({ patience: 0, cooldown: 1 }), {
  invalid: (
    [
      { factor: 1 },
      { patience: -1 },
      { threshold: 1 },
      { cooldown: 0.5 },
      { min: -1 },
      { monitor: 'loss' as 'validation loss' },
      { factor: '0.1' as never },
      { patience: null as never },
      { mode: 'min' } as never,
    ] satisfies ReduceOnPlateauOptions[]
  ).map((options) => () => reduceOnPlateau(options)),
})
