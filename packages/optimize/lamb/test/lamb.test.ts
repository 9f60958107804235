import * as tf from '@tensorflow/tfjs-core'
import {
  expectClose,
  onEachBackend,
  optimizerConformance,
  optimizerSteps,
} from '@tricks/conformance'
import { test } from 'vitest'
import { lamb, type LambOptions } from '../src/index.ts'
import fixture from './fixtures/lamb.json' with { type: 'json' }

optimizerSteps<LambOptions>(fixture, (params) => lamb(params))

optimizerConformance(() => lamb(), {
  invalid: [
    () => lamb({ learningRate: -1 }),
    () => lamb({ learningRate: NaN }),
    () => lamb({ learningRate: '0.1' as never }),
    () => lamb({ weightDecay: -1 }),
    () => lamb({ rate: 0.1 } as never),
    () => lamb(null as never),
    () => lamb({ beta1: 1 }),
    () => lamb({ epsilon: 0 }),
    () => lamb({ maxGradientNorm: 0 }),
    () => lamb({ maxGradientNorm: '1' as never }),
    () => lamb({ trustClip: 1 as never }),
  ],
})

optimizerConformance(() => lamb({ alwaysAdapt: true, decoupled: true, trustClip: true }))

/** A first step, from [3, 4]: without bias correction m = (1 − β₁) g and v = (1 − β₂) g². */
const moved = (options: Parameters<typeof lamb>[0], gradient = [0, 2]): tf.Tensor => {
  const weights = tf.variable(tf.tensor1d([3, 4]))
  lamb({ learningRate: 0.1, weightDecay: 0, ...options }).applyGradients({
    [weights.name]: tf.tensor1d(gradient),
  })
  return weights
}

onEachBackend(() => {
  test('without weight decay it equals Adam, unless it always adapts', () => {
    expectClose(moved({}), [3, 3.9])
    // A step of norm 1 is scaled by the norm of the weights, 5.
    expectClose(moved({ alwaysAdapt: true }), [3, 3.5])
    expectClose(moved({ alwaysAdapt: true, trustClip: true }), [3, 3.9])
  })

  test('without bias correction, and without gradient averaging', () => {
    const plain = { biasCorrection: false, maxGradientNorm: null, beta1: 0.5, beta2: 0.75 }
    // m = 1, √v = 1.
    expectClose(moved(plain), [3, 3.9])
    expectClose(moved({ ...plain, gradientAveraging: false }), [3, 3.8])
  })

  test('decoupled, the decay shrinks the weights and is not scaled', () => {
    expectClose(moved({ decoupled: true, weightDecay: 0.5, trustClip: true }), [2.85, 3.7])
  })
})
