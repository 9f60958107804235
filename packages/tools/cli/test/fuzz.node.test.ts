import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { factories, fuzz } from './fuzz.ts'
import { fuzzCheckpoints, fuzzPolicies, fuzzRuns } from './fuzz-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeAll(async () => {
  await tf.setBackend('cpu')
})

test('every trick is fuzzed', () => {
  const root = join(import.meta.dirname, '../../..')
  const tricks = globSync('{augment,mix,loss,schedule,optimize}/*', { cwd: root })
    .map((path) => basename(path))
    // A package shared by several tricks, not a trick.
    .filter((name) => name !== 'operations')
  expect(tricks.filter((trick) => !(trick in factories))).toEqual([])
})

test('10,000 random option objects each give a working trick or an error naming the option', () => {
  const { worked, refused, findings } = fuzz(10_000)
  expect(findings).toEqual([])
  expect(worked).toBeGreaterThan(1000)
  expect(refused).toBeGreaterThan(1000)
})

test.each([
  ['policies', 700, fuzzPolicies],
  ['run.json', 600, (cases: number) => fuzzRuns(cases, folder)],
  ['checkpoints', 700, fuzzCheckpoints],
] as const)(
  '%s: %d altered files each work or are rejected with the reason',
  async (_, cases, run) => {
    const { worked, refused, findings } = await run(cases)
    expect(findings).toEqual([])
    expect(worked + refused).toBeGreaterThan(cases * 0.95)
    expect(worked).toBeGreaterThan(10)
    expect(refused).toBeGreaterThan(cases / 10)
  },
)
