// The cards quote the ablation as it is kept in bench/ablation.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSummary } from '@tricks/ablation'
import { expect, test } from 'vitest'
import { cardsOf } from '../cards/measured.ts'

test("the cards say what the repository's ablation measured", () => {
  const root = join(import.meta.dirname, '../..')
  const { comparisons, ...about } = readSummary(join(root, 'bench/ablation'))
  const cards = cardsOf(root, about, comparisons)
  expect(cards.size).toBeGreaterThan(15)
  for (const [card, text] of cards)
    expect(text, `${card}; write it anew: npm run cards`).toBe(
      readFileSync(join(root, card), 'utf8'),
    )
})
