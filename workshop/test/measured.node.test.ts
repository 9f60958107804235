// The cards quote the results in bench/ablation and its folder `others`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ablations } from '../cards/ablations.ts'
import { cardsOf } from '../cards/measured.ts'
import { packages } from '../cards/packages.ts'

const root = join(import.meta.dirname, '../..')

test('each measured trick is named by one package', () => {
  // No package's: combinations of tricks, and an option of the trainer.
  const combined = ['random-crop + mirroring', 'all', 'repeated augmentation']
  const names = new Set(
    ablations
      .flatMap(({ summaries }) => summaries.map(({ name }) => name))
      .filter((name) => !combined.includes(name)),
  )
  expect(packages.flatMap(({ tricks }) => tricks?.measured ?? []).toSorted()).toEqual(
    [...names].toSorted(),
  )
})

test("the cards quote the repository's ablations", () => {
  const cards = cardsOf(root, ablations)
  expect(cards.size).toBeGreaterThan(15)
  for (const [card, text] of cards)
    expect(text, `${card}; run npm run cards`).toBe(readFileSync(join(root, card), 'utf8'))
})
