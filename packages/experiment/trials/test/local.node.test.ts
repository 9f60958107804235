import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { chaos, contract, killsOf } from './contract.ts'

const root = mkdtempSync(join(tmpdir(), 'local-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const address = (name: string): string => join(root, name)

contract(address)

test('chaos: workers and driver are killed, and the results equal those of an undisturbed run', async ({
  onTestFinished,
}) => {
  const { restarts } = await chaos(onTestFinished, undefined, address, killsOf(0))
  expect(restarts).toBeGreaterThan(0)
})
