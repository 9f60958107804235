import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { expectClose, fromFixture, fromFixtures } from '../src/index.ts'

const fixture = { shape: [2, 3], dtype: 'float32', data: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] }

test('a fixture becomes a tensor of its shape and dtype', () => {
  expect(fromFixture(fixture).shape).toEqual([2, 3])
  const labels = fromFixture({ shape: [3], dtype: 'int32', data: [3, 1, 2] })
  expect([labels.dtype, ...labels.dataSync()]).toEqual(['int32', 3, 1, 2])
})

test.each([
  ['a tensor and a fixture', () => fromFixture(fixture), fixture],
  ['a tensor and an array', () => tf.tensor1d([0.1, 0.2]), [0.1, 0.2]],
  ['a scalar and a number', () => tf.scalar(0.1), 0.1],
  ['arrays', () => [1, NaN, Infinity], [1, NaN, Infinity]],
] as const)('%s can be equal', (_, got, expected) => {
  expectClose(got(), expected, { absolute: 0, relative: 0 })
})

test('within the tolerance is close, beyond is not', () => {
  expectClose(1.00001, 1)
  expectClose(100.0009, 100)
  expect(() => expectClose(1.0001, 1)).toThrow()
  expectClose(1.09, 1, { absolute: 0.1 })
  expect(() => expectClose(1.11, 1, { absolute: 0.1 })).toThrow()
})

test('reports differences: where, by how much, how often', () => {
  const got = tf.tensor2d([0.1, 0.2, 0.3, 0.5, 0.5, 0.75], [2, 3])
  expect(() => expectClose(got, { ...fixture, data: [0.1, 0.2, 0.3, 0.4, 0.5, 0.5] })).toThrow(
    '2 of 6 values are off, the worst at [1, 2]: expected 0.5, got 0.75, 0.25 apart',
  )
  expect(() => expectClose([1, 2], [1, 3])).toThrow('1 of 2 values are off, the worst at 1')
  expect(() => expectClose([1, NaN], [1, 3])).toThrow('expected 3, got NaN')
})

test('reports a mismatched shape', () => {
  expect(() => expectClose(tf.zeros([3, 2]), fixture)).toThrow('expected shape [2, 3], got [3, 2]')
  expect(() => expectClose([1, 2], [1])).toThrow('expected 1 numbers, got 2')
})

test('rejects an empty comparison', () => {
  expect(() => expectClose([], [])).toThrow('expected numbers to compare with, got none')
  expect(() => expectClose(tf.zeros([0, 3]), { shape: [0, 3], data: [] })).toThrow('got none')
})

test('an object of fixtures becomes one of tensors, and is compared by name', () => {
  interface Inputs {
    readonly images: tf.Tensor2D
    readonly rate: number
    readonly of: { readonly weight: tf.Tensor }
  }
  const given = { images: fixture, rate: 0.5, of: { weight: { ...fixture, shape: [6] } } }
  const inputs = fromFixtures<Inputs>(given)
  expect([inputs.images.shape, inputs.rate, inputs.of.weight.shape]).toEqual([[2, 3], 0.5, [6]])
  expectClose({ ...inputs }, given)
  expect(() => expectClose({ ...inputs, rate: 0.6 }, given)).toThrow('expected 0.5, got 0.6')
  expect(() => expectClose({ ...inputs, of: {} }, given)).toThrow('expected weight, got ')
  expect(() => expectClose({ rate: 0.5, other: 1 }, { rate: 0.5 })).toThrow(
    'expected rate, got rate, other',
  )
  expect(() => expectClose({}, {})).toThrow('expected numbers, got ')
  expect(() => expectClose(inputs.images, { images: fixture })).toThrow('expected images, got ')
})
