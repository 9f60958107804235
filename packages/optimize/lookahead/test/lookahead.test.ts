import * as tf from '@tensorflow/tfjs-core'
import { adamw } from '@tricks/adamw'
import {
  expectClose,
  onEachBackend,
  optimizerConformance,
  optimizerSteps,
} from '@tricks/conformance'
import { sgd } from '@tricks/sgd'
import { expect, test } from 'vitest'
import { lookahead, type LookaheadOptions } from '../src/index.ts'
import fixture from './fixtures/lookahead.json' with { type: 'json' }

optimizerSteps(fixture, ({ inner: { name, ...inner }, ...options }) => {
  expect(name).toBe('sgd')
  return lookahead(sgd(inner), options)
})

optimizerConformance(() => lookahead(adamw(), { every: 2 }), {
  invalid: [
    () => lookahead(sgd(), { alpha: 1.5 }),
    () => lookahead(sgd(), { every: 0 }),
    () => lookahead(sgd(), { every: 2.5 }),
    () => lookahead(sgd(), { steps: 5 } as never),
    () => lookahead('sgd' as never),
    () => lookahead(undefined as never),
  ],
})

/** Takes steps against a gradient of 1. */
const steps = (optimizer: tf.Optimizer, weights: tf.Variable, count: number): void => {
  for (let step = 0; step < count; step++)
    optimizer.applyGradients({ [weights.name]: tf.onesLike(weights) })
}

onEachBackend(() => {
  test('alpha 1 equals the inner optimizer, alpha 0 never moves', () => {
    const at = (alpha: number): tf.Tensor => {
      const weights = tf.variable(tf.tensor1d([10, 20]))
      steps(lookahead(sgd({ learningRate: 1 }), { alpha, every: 2 }), weights, 4)
      return weights
    }
    expectClose(at(1), [6, 16])
    // From the first synchronisation, after two steps.
    expectClose(at(0), [8, 18])
    expectClose(at(0.5), [7, 17])
  })

  test.each([
    ['momentum', () => tf.train.momentum(0.1, 0.9)],
    ['adam', () => tf.train.adam(0.1)],
    ['adamax', () => tf.train.adamax(0.1)],
    ['rmsprop', () => tf.train.rmsprop(0.1, 0.9, 0.5, 1e-7, true)],
    ['adadelta', () => tf.train.adadelta(0.1)],
    ['adagrad', () => tf.train.adagrad(0.1)],
    ['sgd', () => tf.train.sgd(0.1)],
    ['lookahead', () => lookahead(tf.train.adam(0.1), { every: 3 })],
  ])("restores bit for bit around tfjs's %s", async (_, inner) => {
    const options: LookaheadOptions = { every: 2 }
    const [whole, again] = [1, 2].map(() => tf.variable(tf.tensor1d([1, -2])))
    const first = lookahead(inner(), options)
    steps(first, whole!, 5)
    again!.assign(whole!)
    const second = lookahead(inner(), options)
    const saved = await first.getWeights()
    await second.setWeights(saved.map(({ name, tensor }) => ({ name, tensor: tensor.clone() })))
    steps(first, whole!, 6)
    steps(second, again!, 6)
    expect(again!.dataSync()).toEqual(whole!.dataSync())
  })
})

test("its learning rate is the inner optimizer's", () => {
  const inner = sgd({ learningRate: 0.1 })
  const outer = lookahead(inner)
  outer.setLearningRate(0.05)
  expect(inner.getConfig()['learningRate']).toBe(0.05)
  const plain = tf.train.momentum(0.1, 0.9)
  lookahead(plain).setLearningRate(0.5)
  const weights = tf.variable(tf.scalar(1))
  steps(plain, weights, 1)
  expectClose(weights, 0.5)
})

test("tfjs's optimizers identify variables by position, so other variables are an error", () => {
  const optimizer = lookahead(tf.train.momentum(0.1, 0.9))
  const [one, two] = [1, 2].map(() => tf.variable(tf.tensor1d([1, -2])))
  steps(optimizer, one!, 2)
  expect(() => steps(optimizer, two!, 1)).toThrow(
    'lookahead: expected gradients of the same variables in each step, as Momentum identifies them by position',
  )
})
