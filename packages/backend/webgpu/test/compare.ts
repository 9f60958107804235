import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/** Whether there is a device to test on; the tests' configuration reports why not. */
export const present: boolean = tf.findBackendFactory('webgpu') !== null

/** A small seeded generator of values in [-1, 1), the same on each run. */
export function values(shape: readonly number[], seed: number): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

/** The values of `make`'s result on a backend; checks that no tensor leaks. */
export async function on(
  backend: string,
  make: () => tf.Tensor[],
): Promise<{ shape: number[]; values: number[] }[]> {
  await tf.setBackend(backend)
  const before = tf.memory().numTensors
  const tensors = tf.tidy(make)
  const results = []
  for (const tensor of tensors)
    results.push({ shape: tensor.shape, values: [...(await tensor.data())] })
  tf.dispose(tensors)
  expect(tf.memory().numTensors, `tensors on ${backend}`).toBe(before)
  await tf.setBackend('cpu')
  return results
}

/** Checks that `make` gives the same on webgpu and on cpu, within a tolerance relative to the largest value. */
export async function expectEqual(make: () => tf.Tensor[], tolerance = 1e-5): Promise<void> {
  const expected = await on('cpu', make)
  const got = await on('webgpu', make)
  expect(got.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape))
  for (const [i, { values: numbers }] of expected.entries()) {
    const scale = numbers.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
    const worst = numbers.reduce((most, value, j) => {
      const error = Math.abs(value - got[i]!.values[j]!)
      return error <= most ? most : error // NaN is kept
    }, 0)
    expect(worst / scale, `output ${i}`).toBeLessThan(tolerance)
  }
}

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor

/** The result of an operation on random values of some shapes, and its gradient by each of them. */
export const withGradients =
  (operation: Operation, shapes: readonly (readonly number[])[]) => (): tf.Tensor[] => {
    const inputs = shapes.map((shape, i) => tf.tensor(values(shape, i + 1), [...shape]))
    const weigh = (...given: tf.Tensor[]): tf.Tensor => {
      const result = operation(...given)
      return tf.sum(tf.mul(result, tf.tensor(values(result.shape, 99), result.shape)))
    }
    return [operation(...inputs), ...tf.grads(weigh)(inputs)]
  }
