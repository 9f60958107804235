import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Kind } from '@tricks/core/options'
import { afterAll, describe, expect, test } from 'vitest'
import { factories } from '../../workshop/factories.ts'
import type { Declared, Entry } from '../playground/catalogue.ts'
import { codeOf, installOf } from '../playground/code.ts'
import { sliderOf, usualOf } from '../playground/controls.ts'
import { catalogueOf } from '../playground/declared.ts'
import { fromAddress, type State, toAddress } from '../playground/state.ts'

const entries = catalogueOf()
const entryOf = (factory: string): Entry => entries.find((each) => each.factory === factory)!
const stateOf = (...list: [string, Record<string, unknown>?][]): State => ({
  tricks: list.map(([factory, options = {}]) => ({ factory, options })),
  seed: 3,
  step: 7,
})

test('every package that changes images, mixes them or sets the rate is in the catalogue', () => {
  const wanted = factories
    .filter(({ folder }) => /packages\/(augment|mix|schedule)\//.test(folder))
    .map(({ trick }) => trick)
  expect(new Set(entries.map((each) => each.package))).toEqual(
    new Set([...wanted, 'label-smoothing']),
  )
})

describe('sliders', () => {
  const numbers = entries.flatMap(({ factory, options }) =>
    options.flatMap((option) => {
      const kinds: readonly (string | Declared)[] = [option, ...(option.choices ?? [])]
      return kinds
        .filter((kind) => typeof kind === 'object')
        .filter(({ type }) => type === 'number' || type === 'integer')
        .map((kind) => [factory, option.name, kind, usualOf(option, kind)] as const)
    }),
  )
  test.each(numbers)(
    'every position of %s, %s is accepted by the trick',
    (factory, name, kind, usual) => {
      const declared = factories.find((each) => each.name === factory)!.options.kinds[name]!
      const accepting: Kind = declared
      const slider = sliderOf(kind, usual)
      const positions = Array.from(
        { length: 101 },
        (_, i) => slider.min + ((slider.max - slider.min) * i) / 100,
      )
      const values = positions.map((position) => slider.valueAt(position))
      expect(values.filter((value) => !accepting.accepts(value))).toEqual([])
      // The slider can reach the usual value, and move it.
      expect(Math.min(...values)).toBeLessThanOrEqual(usual)
      expect(Math.max(...values)).toBeGreaterThanOrEqual(usual)
      expect(new Set(values).size).toBeGreaterThan(1)
      expect(slider.valueAt(slider.positionOf(usual))).toBeCloseTo(usual, 2)
    },
  )
})

describe('the address', () => {
  test('keeps tricks, options, seed and step', () => {
    const state = stateOf(['cutout', { length: 8, fill: 'mean' }], ['mixup'])
    expect(fromAddress(`#${toAddress(state)}`, entries)).toEqual(state)
  })
  test('without a list is null, so that the page keeps its own list', () => {
    expect(fromAddress('#a-heading', entries)).toBeNull()
    expect(fromAddress('', entries)).toBeNull()
  })
  test.each([
    ['unknown tricks', 'tricks=[["gone"],["cutout"]]&seed=1'],
    ['numbers out of range', 'tricks=[["cutout"]]&seed=-1&step=x'],
    ['options that are not an object', 'tricks=[["mixup",5],["cutout"]]'],
  ])('with %s keeps what is valid', (_, address) => {
    const state = fromAddress(address, entries)!
    expect(state.tricks).toEqual([{ factory: 'cutout', options: {} }])
    expect(state.seed).toBeGreaterThanOrEqual(0)
    expect(state.step).toBe(0)
  })
  test.each(['tricks=[[', 'tricks=5', 'tricks=null'])('%s is an empty list', (address) => {
    expect(fromAddress(address, entries)!.tricks).toEqual([])
  })
})

describe('the code to copy', () => {
  // Inside the repository, so that Node finds the packages.
  const folder = mkdtempSync(join(import.meta.dirname, 'code-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(entries.map(({ factory }) => factory))('of %s runs', async (factory) => {
    const state = stateOf([factory])
    const file = join(folder, `${factory}.ts`)
    writeFileSync(file, `${codeOf(state, entries)}\nexport { pipeline }\n`)
    // A trick that follows the run's metrics is rejected, as it needs the pipeline of a whole run.
    const made = import(/* @vite-ignore */ file) as Promise<{
      pipeline: { tricks: { name: string }[] }
    }>
    if (factory === 'reduceOnPlateau') await expect(made).rejects.toThrow('composeRun')
    else expect((await made).pipeline.tricks).toHaveLength(1)
    expect(installOf(state, entries)).toContain(`@tricks/${entryOf(factory).package}`)
  })

  test('contains the options that differ from the defaults, and imports each package once', () => {
    const state = stateOf(['cutout', { length: 8 }], ['warmup', { multiplier: 2 }], ['mixup'])
    const code = codeOf(state, entries)
    expect(code).toContain('cutout({ length: 8 }),')
    expect(code).toContain('warmup({ multiplier: 2, over: { epochs: 3 }, after: cosineDecay() }),')
    expect(code.match(/^import/gm)).toHaveLength(5)
    expect(code).toContain('{ seed: 3, stepsPerEpoch: 391, steps: 30 * 391 }')
  })
})
