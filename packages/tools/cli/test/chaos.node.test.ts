import { expect, test } from 'vitest'
import { chaos } from './chaos.ts'

test('killed at random moments and resumed, a run ends like an undisturbed one', async () => {
  const { unbroken, broken, killed, resumed } = await chaos({ kills: 4, limit: 700, epochs: 3 })
  expect(killed).toBeGreaterThan(1)
  expect(resumed).toBeGreaterThan(0)
  expect(broken).toEqual(unbroken)
}, 120_000)
