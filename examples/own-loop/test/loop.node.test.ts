import { expect, test } from 'vitest'
import { trainInOwnLoop } from '../src/loop.ts'

test('the loop learns', async () => {
  // Ten classes: guessing is right in 10 of 100.
  expect(await trainInOwnLoop(60, 32, 'wasm')).toBeGreaterThan(0.17)
})
