import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packages } from '../../../../workshop/cards/packages.ts'
import { factories } from '../../../../workshop/factories.ts'
import { fuzz } from './fuzz.ts'
import { fuzzCheckpoints, fuzzPolicies, fuzzRuns } from './fuzz-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'fuzz-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeAll(async () => {
  await tf.setBackend('cpu')
})

test('every package of tricks is fuzzed', () => {
  expect(new Set(factories.map(({ trick }) => trick))).toEqual(
    new Set(
      packages
        // A package of functions lists no names, and has no options.
        .filter(({ tricks }) => tricks && tricks.names?.length !== 0)
        .map((each) => basename(each.folder)),
    ),
  )
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
