import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkState, decodeState, encodeState } from '../src/trick-state.ts'

beforeAll(async () => {
  await tf.setBackend('cpu')
})
const tensor = tf.tensor1d([1, 2])
afterAll(() => tensor.dispose())

const state = {
  plateau: { best: null, cuts: 2, history: [1, [2, 'three']], done: false },
  average: { weights: { 'a/kernel': tensor }, list: [tensor, { inner: tensor }] },
  losses: { kept: Float64Array.of(0.1, NaN, -Infinity, 1e-300), counts: Int32Array.of(-1, 5) },
  none: null,
}

test('a state survives JSON: values, lists, bit-equal typed arrays, tensors by name', () => {
  const held: Record<string, tf.Tensor> = {}
  const encoded = encodeState(state, 'tricks', held)
  expect(Object.keys(held)).toEqual([
    'tricks/average/weights/a/kernel',
    'tricks/average/list/0',
    'tricks/average/list/1/inner',
  ])
  const decoded = decodeState(JSON.parse(JSON.stringify(encoded)), held)
  expect(decoded).toEqual(state)
  expect(() => decodeState(encoded, {})).toThrow('the tensor "tricks/average/weights/a/kernel" is')
  expect(() => decodeState({ $array: 'Map', values: [] }, {})).toThrow('"Map" is not an array')
})

test.each([
  [{ ...state, plateau: undefined }, 'expected tricks/plateau to be an object, got nothing'],
  [
    { ...state, plateau: { ...state.plateau, cuts: {} } },
    'tricks/plateau/cuts to be a value, got an',
  ],
  [{ ...state, average: { weights: 3 } }, 'tricks/average/weights to be an object, got a value'],
  [{ ...state, losses: { ...state.losses, kept: [1] } }, 'kept to be a Float64Array, got a list'],
  [null, 'expected tricks to be an object, got a value'],
])('rejects a state of another form: %#', (saved, message) => {
  expect(() => checkState(saved, state)).toThrow(message)
  checkState(state, state)
})
