import { percent } from '@tricks/run'

/** Formats the scores of a generation; a run that diverged counts as 0. */
export function bestAndMean(scores: readonly (number | null)[]): string {
  const values = scores.map((score) => score ?? 0)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return `best ${percent(Math.max(...values))}, mean ${percent(mean)}`
}
