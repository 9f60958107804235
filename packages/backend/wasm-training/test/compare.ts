import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/** A small seeded generator, which gives the same shapes on each run. */
export function generator(seed: number): {
  integer: (low: number, high: number) => number
  pick: <T>(choices: readonly T[]) => T
  values: (shape: readonly number[]) => Float32Array
} {
  let state = seed >>> 0
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    integer,
    pick: (choices) => choices[integer(0, choices.length - 1)]!,
    values: (shape) =>
      Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => 2 * next() - 1),
  }
}

/** The values of `make`'s result on a backend; checks that no tensor leaks. */
export async function on(
  backend: string,
  make: () => tf.Tensor | tf.Tensor[],
): Promise<{ shape: number[]; values: number[] }[]> {
  await tf.setBackend(backend)
  const before = tf.memory().numTensors
  const results = tf.tidy(() =>
    [make()].flat().map((tensor) => ({ shape: tensor.shape, values: [...tensor.dataSync()] })),
  )
  expect(tf.memory().numTensors, `tensors on ${backend}`).toBe(before)
  await tf.setBackend('cpu')
  return results
}

/** Checks that `make` gives the same on wasm and on cpu, within a tolerance relative to the largest value. */
export async function expectEqual(
  label: string,
  make: () => tf.Tensor | tf.Tensor[],
  tolerance = 1e-5,
): Promise<void> {
  const expected = await on('cpu', make)
  const got = await on('wasm', make)
  expect(
    got.map((result) => result.shape),
    label,
  ).toEqual(expected.map((result) => result.shape))
  for (const [i, { values }] of expected.entries()) {
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
    const worst = values.reduce((most, value, j) => {
      const error = Math.abs(value - got[i]!.values[j]!)
      return error <= most ? most : error // NaN is kept
    }, 0)
    expect(worst / scale, `${label}, output ${i}`).toBeLessThan(tolerance)
  }
}
