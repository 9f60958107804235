import * as tf from '@tensorflow/tfjs-core'
import {
  expectClose,
  onEachBackend,
  optimizerConformance,
  optimizerSteps,
} from '@tricks/conformance'
import { test } from 'vitest'
import { lion } from '../src/index.ts'
import fixture from './fixtures/lion.json' with { type: 'json' }

optimizerSteps(fixture, (params) => lion(params))

optimizerConformance(() => lion({ weightDecay: 0.1 }), {
  invalid: [
    () => lion({ learningRate: -1 }),
    () => lion({ learningRate: NaN }),
    () => lion({ learningRate: '0.1' as never }),
    () => lion({ weightDecay: -1 }),
    () => lion({ rate: 0.1 } as never),
    () => lion(null as never),
    () => lion({ beta1: 1 }),
    () => lion({ beta2: -0.1 }),
  ],
})

onEachBackend(() => {
  test('each weight moves by the learning rate for any gradient but 0', () => {
    const weights = tf.variable(tf.tensor1d([1, 1, 1]))
    lion({ learningRate: 0.25 }).applyGradients({ [weights.name]: tf.tensor1d([1e-6, -300, 0]) })
    expectClose(weights, [0.75, 1.25, 1])
  })
})
