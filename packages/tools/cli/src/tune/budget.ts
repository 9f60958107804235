import { UsageError } from '../usage.ts'

/** The total amount of training: a time, or a number of epochs, which makes a search repeatable. */
export type Budget = { readonly seconds: number } | { readonly epochs: number }

const units: Readonly<Record<string, number>> = { h: 3600, m: 60, min: 60, s: 1 }

/**
 * Parses `2h`, `90m`, `1h30m` or `500epochs`.
 *
 * @throws UsageError for anything else
 */
export function budgetOf(text: string): Budget {
  const [, epochs] = /^(\d+) ?epochs?$/.exec(text) ?? []
  if (epochs !== undefined && Number(epochs) > 0) return { epochs: Number(epochs) }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|min|m|s)/g)]
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0)
  if (parts.map(([part]) => part).join('') === text && seconds > 0) return { seconds }
  throw new UsageError(
    `--budget: expected a time such as 2h, 90m or 1h30m, or a number of epochs such as 500epochs, got ${text}`,
  )
}

/** A run that was started. */
export interface Spent {
  readonly epochs: number
  /** Absent while it runs. */
  readonly seconds?: number
}

/** Computes the remaining budget from the trials' results alone. */
export class Account {
  /** In the budget's unit. */
  readonly total: number
  readonly #byTime: boolean

  /** @param processes number of trials trained at once; each second counts once per process */
  constructor(budget: Budget, processes: number) {
    this.#byTime = 'seconds' in budget
    this.total = 'seconds' in budget ? budget.seconds * processes : budget.epochs
  }

  /** The cost of runs; for those in progress, the expected cost. */
  spentOn(runs: readonly Spent[]): number {
    if (!this.#byTime) return runs.reduce((sum, { epochs }) => sum + epochs, 0)
    const perEpoch = secondsPerEpoch(runs)
    return runs.reduce((sum, { epochs, seconds }) => sum + (seconds ?? epochs * perEpoch), 0)
  }

  /** The estimated cost of an epoch. */
  perEpoch(runs: readonly Spent[]): number {
    return this.#byTime ? secondsPerEpoch(runs) : 1
  }

  /** Formats an amount: the time per process, or as the flag is written. */
  text(amount: number, processes: number): string {
    return this.#byTime ? timeText(amount / processes) : `${Math.ceil(amount)}epochs`
  }
}

/** The mean over finished runs. */
function secondsPerEpoch(runs: readonly Spent[]): number {
  const known = runs.filter(({ seconds }) => seconds !== undefined)
  const epochs = known.reduce((sum, each) => sum + each.epochs, 0)
  return epochs === 0 ? 0 : known.reduce((sum, { seconds }) => sum + seconds!, 0) / epochs
}

/** Formats a time, for example '1 h 30 min'. */
export function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 90
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`.replace(' 0 min', '')
}
