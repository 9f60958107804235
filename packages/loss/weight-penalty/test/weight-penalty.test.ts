import * as tf from '@tensorflow/tfjs-core'
import { conformance, expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { type Variables } from '@tricks/core'
import { composeRun } from '@tricks/core/run'
import { describe, expect, test } from 'vitest'
import { l1, l1Penalty, l2, l2Penalty } from '../src/index.ts'
import fixture from './fixtures/weight-penalty.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)('matches torch: $params', ({ params, inputs, expected }) => {
    const weights = fromFixture(inputs.weights)
    const [first, second] = tf.split(weights, 2)
    expectClose(l1Penalty([first!, second!], params.l1), expected.l1)
    expectClose(l2Penalty([first!, second!], params.l2), expected.l2)
    const gradient = (penalty: typeof l1Penalty, strength: number): tf.Tensor =>
      tf.grad((w) => penalty([w], strength))(weights)
    expectClose(gradient(l1Penalty, params.l1), expected.gradL1, { absolute: 1e-7 })
    expectClose(gradient(l2Penalty, params.l2), expected.gradL2, { absolute: 1e-7 })
  })

  test('a weight of 0 stays 0', () => {
    const gradient = tf.grad((w) => l1Penalty([w], 2))(tf.tensor1d([-1, 0, 3]))
    expectClose(gradient, [-2, 0, 2], { absolute: 0, relative: 0 })
  })

  test('no weights give no penalty', () => {
    expectClose(l2Penalty([], 1), 0)
  })
})

describe('the penalised weights', () => {
  const one = (trainable = true): tf.Variable => tf.variable(tf.scalar(1), trainable)
  const variables: Variables = {
    'conv/kernel': one(),
    'conv/kernel-2': one(),
    'separable/depthwise_kernel': one(),
    'separable/pointwise_kernel': one(),
    'frozen/kernel': one(false),
    'conv/bias': one(),
    'norm/gamma': one(),
    'norm/beta': one(),
    'norm/moving_mean': one(false),
    'kernel/scale': one(),
  }
  const count = (options: Parameters<typeof l1>[0]): number =>
    l1({ strength: 1, ...options }).penalty!(variables, composeRun([]).step(0)).dataSync()[0]!
  test.each([
    [{}, 4],
    [{ biases: true }, 5],
    [{ norms: true }, 6],
    [{ biases: true, norms: true }, 7],
  ])('%j: %d weights', (options, expected) => {
    expect(count(options)).toBe(expected)
  })
})

test('in a pipeline it is added to the loss', () => {
  const pipeline = composeRun([l2({ strength: 2 }), l1({ strength: 1 })])
  const batch = pipeline.batch(tf.zeros([1, 2, 2, 3]), tf.tensor2d([[1, 0]]), 0)
  const variables = { 'dense/kernel': tf.variable(tf.tensor1d([3, -4])) }
  const loss = pipeline.loss(batch, tf.tensor2d([[0, 0]]), variables)
  expectClose(loss, Math.log(2) + 25 + 7)
})

test('resolves options with defaults', () => {
  expect(l1().options).toEqual({ strength: 1e-5, biases: false, norms: false })
  expect(l2().options).toEqual({ strength: 5e-4, biases: false, norms: false })
  expect(l2({ strength: 1, biases: true, norms: true }).options).toEqual({
    strength: 1,
    biases: true,
    norms: true,
  })
})

test('rejects a wrong strength, and a model without a weight to penalise', () => {
  expect(() => l2({ strength: -1 })).toThrow(
    'l2: expected strength to be a number in [0, 1000000], got -1',
  )
  for (const [penalty, name] of [
    [l1Penalty, 'l1'],
    [l2Penalty, 'l2'],
  ] as const)
    for (const wrong of [-1, NaN, Infinity, '1', null, undefined])
      expect(() => penalty([tf.scalar(1)], wrong as number)).toThrow(
        `${name}: expected strength to be a number in [0, 1000000], got ${wrong}`,
      )
  const { penalty } = l1()
  expect(() => penalty!({}, composeRun([]).step(0))).toThrow('l1: there are no trainable variables')
})

conformance(() => l1(), {
  invalid: [
    () => l1({ strength: NaN }),
    () => l1({ strength: '0.1' as never }),
    () => l1({ strength: null as never }),
    () => l1({ biases: 1 as never }),
    () => l1({ bias: true } as never),
  ],
})
conformance(() => l2({ biases: true, norms: true }), {
  invalid: [
    () => l2({ strength: -1 }),
    () => l2({ strength: Infinity }),
    () => l2({ norms: 'all' as never }),
  ],
})
