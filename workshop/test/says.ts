import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/** Fails unless a value is what a comment beside it says, as far as the comment's digits go. */
export function says(value: unknown, comment: unknown): void {
  const got = value instanceof tf.Tensor ? (value.arraySync() as unknown) : value
  compare(got, comment)
}

function compare(got: unknown, said: unknown): void {
  if (typeof said === 'number') expect(got).toBeCloseTo(said, 5)
  else if (Array.isArray(said)) {
    expect(got).toHaveLength(said.length)
    for (const [i, each] of said.entries()) compare((got as ArrayLike<unknown>)[i], each)
  } else if (typeof said === 'object' && said !== null) {
    expect(Object.keys(got as object)).toEqual(Object.keys(said))
    for (const [key, each] of Object.entries(said))
      compare((got as Record<string, unknown>)[key], each)
  } else expect(got).toBe(said)
}
