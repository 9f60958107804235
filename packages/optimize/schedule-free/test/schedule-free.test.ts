import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  onEachBackend,
  optimizerConformance,
  type OptimizerFixture,
  optimizerSteps,
} from '@tricks/conformance'
import { sgd } from '@tricks/sgd'
import { expect, test } from 'vitest'
import { averagedWeights, scheduleFreeAdamw, scheduleFreeSgd } from '../src/index.ts'
import fixture from './fixtures/schedule-free.json' with { type: 'json' }

const [ofSgd, ofAdamw] = ['scheduleFreeSgd', 'scheduleFreeAdamw'].map(
  (own): OptimizerFixture<object> => ({
    inputs: fixture.inputs,
    cases: fixture.cases.filter(({ kind }) => kind === own),
  }),
)
optimizerSteps(ofSgd!, (params) => scheduleFreeSgd(params))
optimizerSteps(ofAdamw!, (params) => scheduleFreeAdamw(params))

const invalid = [
  { learningRate: -1 },
  { warmupSteps: 1.5 },
  { warmupSteps: -1 },
  { weightDecay: '0' as never },
  { rate: 1 } as never,
]
optimizerConformance(
  () => scheduleFreeSgd({ learningRate: 0.1, warmupSteps: 3, weightDecay: 0.01 }),
  {
    invalid: [
      ...invalid.map((options) => () => scheduleFreeSgd(options)),
      () => scheduleFreeSgd({ momentum: 0 }),
      () => scheduleFreeSgd({ momentum: 1 }),
    ],
  },
)
optimizerConformance(() => scheduleFreeAdamw({ warmupSteps: 3, weightDecay: 0.01 }), {
  invalid: [
    ...invalid.map((options) => () => scheduleFreeAdamw(options)),
    () => scheduleFreeAdamw({ beta1: 0 }),
    () => scheduleFreeAdamw({ beta2: 1 }),
    () => scheduleFreeAdamw({ epsilon: 0 }),
  ],
})
conformance(() => averagedWeights(scheduleFreeSgd()), {
  invalid: [() => averagedWeights(sgd() as never), () => averagedWeights(undefined as never)],
})

onEachBackend(() => {
  test('the average is over all bases; before the first step it equals the weights', () => {
    const weights = tf.variable(tf.tensor1d([4]))
    const optimizer = scheduleFreeSgd({ learningRate: 1, momentum: 0.5 })
    expect(optimizer.evaluationWeights()).toEqual({})
    let base = 4
    const bases: number[] = []
    for (const gradient of [1, 2, -0.5, 3]) {
      optimizer.applyGradients({ [weights.name]: tf.tensor1d([gradient]) })
      base -= gradient
      bases.push(base)
      const mean = bases.reduce((sum, each) => sum + each) / bases.length
      const averages = optimizer.evaluationWeights()
      expectClose(averages[weights.name]!, [mean])
      expectClose(weights, [(base + mean) / 2])
      tf.dispose(averages)
    }
  })

  test('evaluates on the averages, and leaves them in the model at the end', () => {
    const weights = tf.variable(tf.tensor1d([4]))
    const other = tf.variable(tf.scalar(1))
    const optimizer = scheduleFreeSgd({ learningRate: 1 })
    for (const gradient of [1, 2])
      optimizer.applyGradients({ [weights.name]: tf.tensor1d([gradient]) })
    const variables = { 'dense/kernel': weights, 'norm/moving_mean': other }
    const trick = averagedWeights(optimizer)
    // The model's statistics are those of the training weights.
    expect(trick.evaluation!.statistics).toEqual({ epochs: 1 })
    const state = { finished: false }
    const averages = trick.evaluation!.weights!(variables, state)
    expect(Object.keys(averages)).toEqual(['dense/kernel'])
    expectClose(averages['dense/kernel']!, [2])
    const time = { step: 2, stepsPerEpoch: 2, steps: 2 }
    trick.finish!({ reason: 'finished', time, variables }, state)
    expectClose(weights, [2])
    // From then on they belong to the model.
    expect(trick.evaluation!.weights!(variables, state)).toEqual({})
  })
})
