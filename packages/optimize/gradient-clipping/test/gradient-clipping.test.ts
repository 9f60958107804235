import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  type Fixture,
  type FixturesOf,
  fromFixtures,
  onEachBackend,
} from '@tricks/conformance'
import { createRandom, type Tensors, type TrainingStep, type Variables } from '@tricks/core'
import { expect, test } from 'vitest'
import {
  clipAdaptively,
  clipByNorm,
  clipByValue,
  globalNorm,
  gradientClipping,
  type GradientClippingOptions,
} from '../src/index.ts'
import fixture from './fixtures/gradient-clipping.json' with { type: 'json' }

interface Case {
  readonly kind: string
  readonly params: { norm: number; value: number; factor: number; epsilon: number }
  readonly inputs: { weights?: FixturesOf<Tensors>; gradients: FixturesOf<Tensors> }
  readonly expected: { gradients: Readonly<Record<string, Fixture>>; norm?: number }
}
const cases = fixture.cases as unknown as readonly Case[]
const tolerance = { absolute: 1e-6, relative: 1e-5 }

onEachBackend(() => {
  test.each(cases.map((each, index) => ({ ...each, number: index + 1 })))(
    'equals torch and timm: case $number, by $kind',
    ({ kind, params, inputs, expected }) => {
      const gradients = fromFixtures<Tensors>(inputs.gradients)
      const before = tf.memory().numTensors
      const clipped = {
        norm: () => clipByNorm(gradients, params.norm),
        value: () => clipByValue(gradients, params.value),
        adaptive: () => clipAdaptively(fromFixtures<Tensors>(inputs.weights!), gradients, params),
      }[kind]!()
      const weights = kind === 'adaptive' ? Object.keys(clipped).length : 0
      expect(tf.memory().numTensors - before).toBe(Object.keys(clipped).length + weights)
      expectClose(clipped, expected.gradients, tolerance)
      if (expected.norm !== undefined) expectClose(globalNorm(gradients), expected.norm, tolerance)
    },
  )

  test('an output unit is a column of a kernel, a whole bias, and a channel of a depthwise kernel', () => {
    const clip = (path: string, shape: number[]): tf.Tensor =>
      clipAdaptively(
        { [path]: tf.ones(shape) },
        { [path]: tf.add(tf.zeros(shape), tf.range(1, (shape.at(-1) ?? 1) + 1)) },
        { factor: 1 },
      )[path]!
    // Norms √2 of weights, √2 and 2√2 of gradients.
    expectClose(clip('dense/kernel', [2, 2]), tf.ones([2, 2]))
    expectClose(clip('dense/bias', [2]), [Math.sqrt(2 / 5), 2 * Math.sqrt(2 / 5)])
    expectClose(clipAdaptively({ scale: tf.scalar(2) }, { scale: tf.scalar(9) }, { factor: 1 }), {
      scale: 2,
    })
    for (const path of ['conv/depthwise_kernel', 'depthwise_kernel', 'conv/depthwise_kernel-2'])
      expectClose(clip(path, [1, 1, 2, 2]), tf.ones([1, 1, 2, 2]))
    // In other kernels, both inputs belong to one unit.
    expectClose(clip('conv/kernel', [1, 1, 2, 1]), tf.ones([1, 1, 2, 1]))
  })

  test('gradients of 0, and weights of 0, stay finite', () => {
    const zeros = { kernel: tf.zeros([3, 2]), bias: tf.zeros([2]) }
    const ones = { kernel: tf.ones([3, 2]), bias: tf.ones([2]) }
    for (const clipped of [
      clipByNorm(zeros, 1),
      clipByValue(zeros, 1),
      clipAdaptively(ones, zeros),
    ])
      expectClose(clipped, zeros)
    const { bias } = clipAdaptively(zeros, ones, { factor: 0.5, epsilon: 0.1 })
    expectClose(bias!, [0.05 / Math.SQRT2, 0.05 / Math.SQRT2])
    expectClose(globalNorm({}), 0)
  })

  test("as a trick, it clips the step's gradients; adaptively, it excludes the last layer", () => {
    const variables: Variables = {
      'conv/kernel': tf.variable(tf.tensor2d([[3], [4]])),
      'head/kernel': tf.variable(tf.tensor2d([[3], [4]])),
      'head/bias': tf.variable(tf.tensor1d([1])),
    }
    const gradients = {
      'conv/kernel': tf.tensor2d([[0], [2]]),
      'head/kernel': tf.tensor2d([[0], [2]]),
      'head/bias': tf.tensor1d([1]),
    }
    const clip = (options?: GradientClippingOptions): Tensors =>
      gradientClipping(options).gradients!(() => gradients, {
        variables,
        random: createRandom(1),
      } as unknown as TrainingStep)
    expectClose(clip(), clipByNorm(gradients, 1))
    expectClose(clip({ norm: 2 }), clipByNorm(gradients, 2))
    expectClose(clip({ value: 0.5 }), clipByValue(gradients, 0.5))
    const all = clipAdaptively(variables, gradients, { factor: 0.1 })
    expectClose(clip({ factor: 0.1, lastLayer: true }), all)
    expectClose(clip({ factor: 0.1 }), { ...gradients, 'conv/kernel': all['conv/kernel']! })
  })
})

test('options contain only those in use', () => {
  expect(gradientClipping().options).toEqual({ norm: 1 })
  expect(gradientClipping({ value: 2 }).options).toEqual({ value: 2 })
  expect(gradientClipping({ factor: 0.02 }).options).toEqual({
    factor: 0.02,
    epsilon: 1e-3,
    lastLayer: false,
  })
})

test('rejects invalid parameters', () => {
  const one = { kernel: tf.ones([2, 2]) }
  for (const wrong of [0, -1, NaN, Infinity, '1', null]) {
    expect(() => clipByNorm(one, wrong as number)).toThrow('gradient-clipping: expected norm to be')
    expect(() => clipByValue(one, wrong as number)).toThrow('expected value to be')
    expect(() => clipAdaptively(one, one, { factor: wrong as number })).toThrow(
      'expected factor to',
    )
  }
  for (const weights of [{}, { kernel: tf.ones([2]) }] as Tensors[])
    expect(() => clipAdaptively(weights, one)).toThrow(
      'gradient-clipping: expected kernel to be of the shape [2, 2] of its gradient',
    )
})

const invalid = [
  () => gradientClipping({ norm: 0 }),
  () => gradientClipping({ norm: NaN }),
  () => gradientClipping({ norm: '1' as never }),
  () => gradientClipping({ value: -1 }),
  () => gradientClipping({ norm: 1, value: 1 }),
  () => gradientClipping({ value: 1, epsilon: 0.1 }),
  () => gradientClipping({ norm: 1, lastLayer: true }),
  () => gradientClipping({ factor: 0.1, epsilon: 0 }),
  () => gradientClipping({ max: 1 } as never),
]
conformance(() => gradientClipping({ norm: 0.1 }), { invalid })
conformance(() => gradientClipping({ value: 0.01 }))
conformance(() => gradientClipping({ factor: 0.05 }))
