// The ablations that the cards, the guide and the lists of packages quote.
import { join } from 'node:path'
import { type About, readSummary, type Summary } from '@tricks/ablation'

/** An ablation's results, and its page's folder. */
export interface Ablation {
  readonly folder: string
  readonly about: About
  readonly summaries: readonly Summary[]
}

/** The ablation of the article's tricks, and that of all others. */
export const ablations: readonly Ablation[] = ['bench/ablation', 'bench/ablation/others'].map(
  (folder) => {
    const { comparisons, ...about } = readSummary(join(import.meta.dirname, '../..', folder))
    return { folder, about, summaries: comparisons }
  },
)

/** Fewer pairs of runs than this are not quoted: their intervals say nothing. */
export const enough = 3
