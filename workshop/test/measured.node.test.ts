// The cards quote the results in bench/ablation.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSummary } from '@tricks/ablation'
import { expect, test } from 'vitest'
import { cardsOf } from '../cards/measured.ts'
import { packages } from '../cards/packages.ts'

const root = join(import.meta.dirname, '../..')
const { comparisons, ...about } = readSummary(join(root, 'bench/ablation'))

test('each measured trick is named by one package', () => {
  const combined = ['random-crop + mirroring', 'all']
  const names = new Set(
    comparisons.map(({ name }) => name).filter((name) => !combined.includes(name)),
  )
  expect(packages.flatMap(({ tricks }) => tricks?.measured ?? []).toSorted()).toEqual(
    [...names].toSorted(),
  )
})

test("the cards quote the repository's ablation", () => {
  const cards = cardsOf(root, about, comparisons)
  expect(cards.size).toBeGreaterThan(15)
  for (const [card, text] of cards)
    expect(text, `${card}; run npm run cards`).toBe(readFileSync(join(root, card), 'utf8'))
})
