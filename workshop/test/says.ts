import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/** Fails unless a value is what a comment beside it says, as far as the comment's digits go. */
export function says(value: unknown, comment: unknown): void {
  const got = value instanceof tf.Tensor ? (value.arraySync() as unknown) : value
  compare(got, comment)
}

function compare(got: unknown, commented: unknown): void {
  if (typeof commented === 'number') expect(got).toBeCloseTo(commented, 5)
  else if (Array.isArray(commented)) {
    expect(got).toHaveLength(commented.length)
    for (const [i, each] of commented.entries()) compare((got as ArrayLike<unknown>)[i], each)
  } else if (typeof commented === 'object' && commented !== null) {
    expect(Object.keys(got as object)).toEqual(Object.keys(commented))
    for (const [key, each] of Object.entries(commented))
      compare((got as Record<string, unknown>)[key], each)
  } else expect(got).toBe(commented)
}
