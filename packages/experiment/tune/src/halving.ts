/** One run of a candidate, up to a rung's budget. */
export interface Rung {
  /** The number of the candidate, from 0. */
  readonly candidate: number
  /** The rung, from 0: with the budget `budgets[rung]`. */
  readonly rung: number
}

/** A run that was started. */
export interface Issued extends Rung {
  /** Higher is better. Omitted while it runs; null if it failed, for example with a NaN loss. */
  readonly score?: number | null
}

/**
 * The budgets of the rungs: smallest · factor^k, and the largest as the last.
 *
 * @throws RangeError unless 0 < smallest ≤ largest and factor ≥ 2
 * @example
 * rungBudgets({ smallest: 2, largest: 40, factor: 3 }) // [2, 6, 18, 40]
 */
export function rungBudgets({
  smallest,
  largest,
  factor,
}: {
  readonly smallest: number
  readonly largest: number
  readonly factor: number
}): number[] {
  if (!(smallest > 0 && smallest <= largest && Number.isFinite(largest)))
    throw new RangeError(`tune: expected 0 < smallest ≤ largest, got ${smallest} and ${largest}`)
  if (!(factor >= 2)) throw new RangeError(`tune: expected factor to be at least 2, got ${factor}`)
  const budgets = []
  for (let budget = smallest; budget < largest; budget *= factor) budgets.push(budget)
  return [...budgets, largest]
}

/**
 * The next run by asynchronous successive halving: a candidate in the best 1/factor of the highest possible rung that was
 * not promoted yet, or a new candidate if there is none.
 *
 * @param issued the runs started so far, in order
 * @param rungs the number of rungs
 * @param factor the best 1/factor of each rung's finished candidates advance; default 3
 * @returns the candidate and its next rung; for a new candidate, the next free number and rung 0
 * @example
 * const issued = [0.5, 0.7, 0.6].map((score, candidate) => ({ candidate, rung: 0, score }))
 * const next = nextRung(issued, 3) // { candidate: 1, rung: 1 }
 * @see Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", https://arxiv.org/abs/1810.05934
 */
export function nextRung(issued: readonly Issued[], rungs: number, factor = 3): Rung {
  for (let rung = rungs - 2; rung >= 0; rung--) {
    const promoted = new Set(
      issued.filter((each) => each.rung === rung + 1).map((each) => each.candidate),
    )
    const finished = issued
      .filter((each) => each.rung === rung && typeof each.score === 'number')
      .toSorted((a, b) => b.score! - a.score!)
    const ready = finished
      .slice(0, Math.floor(finished.length / factor))
      .find(({ candidate }) => !promoted.has(candidate))
    if (ready) return { candidate: ready.candidate, rung: rung + 1 }
  }
  return { candidate: new Set(issued.map(({ candidate }) => candidate)).size, rung: 0 }
}
