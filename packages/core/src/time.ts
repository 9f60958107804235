/** A position in a run, on which schedules and windows depend. */
export interface Time {
  /** The step about to run, from 0. */
  readonly step: number
  /** Steps per epoch; Infinity if unknown. */
  readonly stepsPerEpoch: number
  /** Steps in the whole run; Infinity if unknown. */
  readonly steps: number
}

/** A training duration in an explicit unit: `{ steps: 500 }`, `{ epochs: 5 }` or `{ fraction: 0.1 }` of the run. */
export type Duration =
  | { readonly steps: number; readonly epochs?: never; readonly fraction?: never }
  | { readonly epochs: number; readonly steps?: never; readonly fraction?: never }
  | { readonly fraction: number; readonly steps?: never; readonly epochs?: never }

/**
 * Converts a duration to whole steps.
 *
 * @throws Error if the conversion needs the length of the run or of an epoch and it is unknown
 * @example
 * stepsOf({ epochs: 2 }, { step: 0, stepsPerEpoch: 391, steps: 3910 }) // 782
 */
export function stepsOf(duration: Duration, time: Time): number {
  const { steps, epochs, fraction } = duration
  if (steps !== undefined) return steps
  const unit = epochs === undefined ? 'steps' : 'stepsPerEpoch'
  if (!Number.isFinite(time[unit]))
    throw new Error(
      `${JSON.stringify(duration)} needs ${unit}: pass it to compose, or give { steps }`,
    )
  return Math.round((epochs ?? fraction) * time[unit])
}

/**
 * True for a valid duration: exactly one unit, at least 0, and at most 1 for a fraction, or 1e9 epochs, so that its
 * steps can be counted.
 *
 * @example
 * isDuration({ epochs: 2 }) // true
 * isDuration({ epochs: 2, steps: 10 }) // false
 */
export function isDuration(value: unknown): value is Duration {
  const [[unit, amount] = [], ...more] = Object.entries(value ?? {}) as [string, unknown][]
  return (
    more.length === 0 &&
    typeof amount === 'number' &&
    amount >= 0 &&
    (unit === 'epochs'
      ? amount <= 1e9
      : unit === 'steps'
        ? Number.isSafeInteger(amount)
        : unit === 'fraction' && amount <= 1)
  )
}

/**
 * Whether a task due `every` so often is due after the step at `time`.
 *
 * @example
 * isDue({ steps: 20 }, { step: 39, stepsPerEpoch: 391, steps: 3910 }) // true, after the 40th step
 */
export const isDue = (every: Duration, time: Time): boolean =>
  (time.step + 1) % Math.max(1, stepsOf(every, time)) === 0
