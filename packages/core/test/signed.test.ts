import { expect, test } from 'vitest'
import { signed } from '../src/augmentation.ts'

test.each([
  [0.05, 2, '+0.05'],
  [-2, 0, '−2'],
  [0, 0, '0'],
  [-0.001, 2, '0.00'],
  [0.004, 2, '0.00'],
  [12.4, undefined, '+12'],
])('%d to %s digits is %s', (value, digits, text) => {
  expect(signed(value, digits)).toBe(text)
})
