import { expect, test } from 'vitest'
import type { Json } from '@tricks/core'
import { addressOf } from '../src/engines/address.ts'
import { openTrials } from '../src/open.ts'
import { trialOf } from '../src/trial.ts'

const parts = { kind: 'arm', config: { rate: 0.1, list: [1, { b: 2, a: 1 }] }, seed: 0, budget: 4 }

test('an id depends on all fields of a trial, but not on the order of keys', () => {
  const { id } = trialOf(parts)
  expect(id).toMatch(/^t-[\da-f]{32}$/)
  const turned = {
    budget: 4,
    seed: 0,
    config: { list: [1, { a: 1, b: 2 }], rate: 0.1 },
    kind: 'arm',
  }
  expect(trialOf(turned).id).toBe(id)
  const others = [
    { ...parts, kind: 'search' },
    { ...parts, seed: 1 },
    { ...parts, budget: 5 },
    { ...parts, from: id },
    { ...parts, config: { rate: 0.1, list: [{ b: 2, a: 1 }, 1] } },
    { ...parts, config: { rate: 0.2, list: [1, { b: 2, a: 1 }] } },
  ]
  expect(new Set([id, ...others.map((each) => trialOf(each).id)]).size).toBe(others.length + 1)
})

test('rejects a configuration that is not JSON', () => {
  const config = { rates: [0.1, NaN] } as unknown as Json
  expect(() => trialOf({ ...parts, config })).toThrow(
    'expected trial.config.rates[1] to be JSON, got NaN',
  )
})

test('an address consists of a server and one of its experiments', () => {
  expect(addressOf('runs/search')).toBeUndefined()
  expect(addressOf('redis://me:secret@host:1/2?experiment=flowers')).toEqual({
    backend: 'redis',
    url: 'redis://me:secret@host:1/2',
    experiment: 'flowers',
    name: 'redis://me:…@host:1/2?experiment=flowers',
  })
  expect(addressOf('postgresql://host/db?sslmode=require')).toMatchObject({
    backend: 'postgres',
    url: 'postgresql://host/db?sslmode=require',
    experiment: 'trials',
  })
  expect(() => addressOf('mysql://me:secret@host')).toThrow(
    'expected the queue to be a folder, redis://… or postgres://…, got mysql://me:…@host',
  )
  expect(() => addressOf('redis://host?experiment=a:b')).toThrow('expected experiment to be')
})

test('a folder that cannot be written is reported', async () => {
  await expect(openTrials('/dev/null/runs')).rejects.toThrow(
    /^trials: can't open .*trials\.sqlite: /,
  )
})
