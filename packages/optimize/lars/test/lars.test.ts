import * as tf from '@tensorflow/tfjs-core'
import {
  expectClose,
  onEachBackend,
  optimizerConformance,
  optimizerSteps,
} from '@tricks/conformance'
import { expect, test } from 'vitest'
import { lars } from '../src/index.ts'
import fixture from './fixtures/lars.json' with { type: 'json' }

optimizerSteps(fixture, (params) => lars(params))

optimizerConformance(() => lars({ momentum: 0.9, weightDecay: 0.01 }), {
  invalid: [
    () => lars({ learningRate: -1 }),
    () => lars({ learningRate: NaN }),
    () => lars({ learningRate: '0.1' as never }),
    () => lars({ weightDecay: -1 }),
    () => lars({ rate: 0.1 } as never),
    () => lars(null as never),
    () => lars({ momentum: 1 }),
    () => lars({ trustCoefficient: 0 }),
    () => lars({ nesterov: true }),
    () => lars({ momentum: 0.9, nesterov: true, dampening: 0.1 }),
    () => lars({ alwaysAdapt: 1 as never }),
  ],
})

optimizerConformance(() => lars({ alwaysAdapt: true }))

/** A step of [3, 4], of norm 5, with a gradient [0, 2], at a rate of 0.1. */
const moved = (options: Parameters<typeof lars>[0]): tf.Tensor => {
  const weights = tf.variable(tf.tensor1d([3, 4]))
  lars({ learningRate: 0.1, ...options }).applyGradients({ [weights.name]: tf.tensor1d([0, 2]) })
  return weights
}

onEachBackend(() => {
  test('without weight decay it equals SGD, unless it always adapts', () => {
    expectClose(moved({}), [3, 3.8])
    // 0.4 · 5 / 2 of the gradient.
    expectClose(moved({ alwaysAdapt: true, trustCoefficient: 0.4 }), [3, 3.8])
    expectClose(moved({ alwaysAdapt: true, trustCoefficient: 0.2 }), [3, 3.9])
  })

  test("with trustClip, no step is longer than SGD's", () => {
    // The ratio is 4 · 5 / 2 = 10, and divided by the rate 100.
    const options = { alwaysAdapt: true, trustCoefficient: 4 }
    expectClose(moved(options), [3, 2])
    expectClose(moved({ ...options, trustClip: true }), [3, 3.8])
  })

  test('dampening scales gradients down, from the second step on', () => {
    const weights = tf.variable(tf.tensor1d([0]))
    const optimizer = lars({ learningRate: 1, momentum: 0.5, dampening: 0.25 })
    for (let step = 0; step < 2; step++)
      optimizer.applyGradients({ [weights.name]: tf.tensor1d([1]) })
    // 1, then 0.5 + 0.75.
    expectClose(weights, [-2.25])
  })
})

test('a variable excluded from weight decay is not scaled', () => {
  const weights = tf.variable(tf.tensor1d([3, 4]))
  const optimizer = lars({ learningRate: 0.1, weightDecay: 0.5 })
  optimizer.setDecayFactors({ [weights.name]: 0 })
  optimizer.applyGradients({ [weights.name]: tf.tensor1d([0, 2]) })
  expectClose(weights, [3, 3.8])
  expect(lars().getConfig()).toMatchObject({ trustCoefficient: 0.001, momentum: 0, weightDecay: 0 })
})
