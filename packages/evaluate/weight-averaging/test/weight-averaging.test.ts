import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  type Fixture,
  fromFixtures,
  type FixturesOf,
  onEachBackend,
} from '@tricks/conformance'
import { type Tensors, type Trick } from '@tricks/core'
import { composeRun } from '@tricks/core/run'
import { expect, test } from 'vitest'
import { emaDecay, emaUpdate, exponentialAverage, stochasticAverage } from '../src/index.ts'
import fixture from './fixtures/weight-averaging.json' with { type: 'json' }

interface Case {
  readonly kind: string
  readonly params: { decay: number; buffers?: boolean } & Parameters<typeof emaDecay>[1]
  readonly inputs: {
    start: FixturesOf<Tensors>
    values: readonly FixturesOf<Tensors>[]
    steps: readonly number[]
  }
  readonly expected: {
    decays?: readonly number[]
    averages: readonly Readonly<Record<string, Fixture>>[]
  }
}
const cases = fixture.cases as unknown as readonly Case[]
const tolerance = { absolute: 2e-6, relative: 1e-5 }

onEachBackend(() => {
  test.each(cases.map((each, index) => ({ ...each, number: index + 1 })))(
    'matches timm and torch: case $number, $kind',
    ({ kind, params, inputs, expected }) => {
      let average = fromFixtures<Tensors>(inputs.start)
      for (const [i, values] of inputs.values.entries()) {
        const value = fromFixtures<Tensors>(values)
        const decay = {
          timm: () => emaDecay(inputs.steps[i]!, params),
          torchEma: () => (i === 0 ? 0 : params.decay),
          swa: () => i / (i + 1),
        }[kind]!()
        if (expected.decays) expect(Math.abs(decay - expected.decays[i]!)).toBeLessThan(1e-7)
        average = emaUpdate(average, value, decay)
        // By default, torch copies statistics instead of averaging them.
        if (params.buffers === false) average = { ...average, mean: value['mean']! }
        expectClose(average, expected.averages[i]!, tolerance)
      }
    },
  )

  test('updates one tensor or several, without changing its inputs', () => {
    const [average, value] = [tf.tensor1d([1, 2]), tf.tensor1d([3, -2])]
    const before = tf.memory().numTensors
    const updated = emaUpdate(average, value, 0.75)
    expect(tf.memory().numTensors - before).toBe(1)
    expectClose(updated, [1.5, 1])
    expectClose(emaUpdate({ w: average }, { w: value, other: value }, 0), { w: [3, -2] })
    expectClose(emaUpdate(average, value, 1), [1, 2])
    expectClose(average, [1, 2])
  })

  /** A run with weights 1, 2, 3, …, and the weights evaluated after each step. */
  const evaluated = (trick: Trick, steps: number): { seen: number[]; end: number } => {
    const weight = tf.variable(tf.scalar(0))
    const statistic = tf.variable(tf.scalar(0), false)
    const variables = { 'dense/kernel': weight, 'norm/moving_mean': statistic }
    const data = {
      size: 8,
      height: 1,
      width: 1,
      channels: 1,
      classes: 2,
      mean: [0],
      deviation: [1],
    }
    const at = (step: number) => ({ step, stepsPerEpoch: 2, steps })
    const pipeline = composeRun([trick], { steps, stepsPerEpoch: 2 })
    pipeline.start({ variables, data, batchSize: 4, time: at(0) })
    const seen: number[] = []
    for (let step = 0; step < steps; step++) {
      weight.assign(tf.scalar(step + 1))
      statistic.assign(tf.scalar(10 * (step + 1)))
      pipeline.afterStep(variables, at(step))
      const values = pipeline.evaluation.weights(variables)
      const value = values['dense/kernel'] ?? weight
      seen.push(value.dataSync()[0]!)
      expectClose(values['norm/moving_mean'] ?? statistic, 10 * seen.at(-1)!)
      expectClose(weight, step + 1)
      tf.dispose(values)
    }
    pipeline.finish({ reason: 'finished', time: at(steps), variables })
    const end = weight.dataSync()[0]!
    pipeline.dispose()
    return { seen, end }
  }

  test('the exponential average starts as a copy, and is left in the model at the end', () => {
    const { seen, end } = evaluated(exponentialAverage({ decay: 0.5 }), 4)
    expectClose(seen, [1, 1.5, 2.25, 3.125])
    expectClose(end, 3.125)
    expectClose(
      evaluated(exponentialAverage({ decay: 0.5, after: { epochs: 1 } }), 5).seen,
      [1, 2, 3, 3.5, 4.25],
    )
    expectClose(
      evaluated(exponentialAverage({ decay: 0.5, warmup: true, power: 1 }), 4).seen,
      [1, 1.5, 2.25, 3.125],
    )
  })

  test('the stochastic average is the mean of points near the end of the run', () => {
    const { seen, end } = evaluated(stochasticAverage({ from: { fraction: 0.5 } }), 8)
    // After steps 4, 6 and 8; before that, the weights themselves.
    expectClose(seen, [1, 2, 3, 4, 4, 5, 5, 6])
    expectClose(end, 6)
    expectClose(
      evaluated(stochasticAverage({ from: { steps: 0 }, every: { steps: 1 } }), 4).seen,
      [1, 1.5, 2, 2.5],
    )
  })
})

test('a failed run does not change the weights', () => {
  const weight = tf.variable(tf.scalar(2))
  const end = { time: { step: 1, stepsPerEpoch: 1, steps: 2 }, variables: { weight } }
  const state = { count: 1, average: { weight: tf.scalar(1) } }
  exponentialAverage().finish!({ ...end, reason: 'failed' }, state)
  expect(weight.dataSync()[0]).toBe(2)
  exponentialAverage().finish!({ ...end, reason: 'aborted' }, state)
  expect(weight.dataSync()[0]).toBe(1)
})

test('rejects invalid parameters', () => {
  expect(() => emaDecay(-1)).toThrow('weight-averaging: expected step to be a number of at least 0')
  expect(() => emaDecay(1, { decay: 1.1 })).toThrow('expected decay to be a number in [0, 1]')
  expect(() => emaDecay(1, { after: 0.5 })).toThrow('expected after to be an integer of at least 0')
  for (const decay of [-0.1, 1.1, NaN, '0.9'])
    expect(() => emaUpdate(tf.scalar(1), tf.scalar(1), decay as number)).toThrow('expected decay')
  const one = { w: tf.scalar(1) } as Tensors
  expect(() => emaUpdate(one, {}, 0.5)).toThrow('weight-averaging: expected w to be')
})

conformance(() => exponentialAverage({ decay: 0.9, warmup: true, after: { steps: 2 } }), {
  invalid: [
    () => exponentialAverage({ decay: 1.1 }),
    () => exponentialAverage({ decay: '0.9' as never }),
    () => exponentialAverage({ warmup: 1 as never }),
    () => exponentialAverage({ gamma: 0 }),
    () => exponentialAverage({ power: -1 }),
    () => exponentialAverage({ min: 2 }),
    () => exponentialAverage({ after: 5 as never }),
    () => exponentialAverage({ rate: 0.9 } as never),
  ],
})
conformance(() => stochasticAverage({ from: { fraction: 0.25 } }), {
  invalid: [
    () => stochasticAverage({ from: { fraction: 2 } }),
    () => stochasticAverage({ every: { steps: 0 } }),
    () => stochasticAverage({ decay: 0.9 } as never),
  ],
})
