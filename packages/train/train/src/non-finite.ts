import { type Time } from '@tricks/core'
import { keyOf, type RunPipeline } from '@tricks/core/run'
import type { Measured } from './measures.ts'

/** What to do if a loss or gradient is NaN or infinite. */
export type NonFinite = 'stop' | 'skip'

/** The number of consecutive skipped steps that ends the run. */
const limit = 10

/** Counts of skipped steps. */
export interface Skips {
  readonly total: number
  /** Since the last completed step. */
  readonly consecutive: number
}

/** The step and rate at which metrics were measured. */
export interface Seen {
  readonly time: Time
  readonly rate: number
}

/** Thrown by `train` if a loss or gradient is NaN or infinite. */
export class NonFiniteError extends Error {
  override readonly name: string = 'NonFiniteError'
}

/** Creates errors that name the non-finite value and its context. */
export class Watch {
  private readonly paths: readonly string[]
  private readonly tricks: string

  /** @param paths paths of the trainable variables, in the order of a step's gradient sums */
  constructor(paths: readonly string[], { tricks }: RunPipeline) {
    this.paths = paths
    this.tricks = tricks.map(keyOf).join(', ') || 'none'
  }

  /** @throws Error if the loss or a gradient is NaN or infinite */
  check(measured: Measured, seen: Seen): void {
    const found = this.find(measured)
    if (found !== undefined) throw this.error(found, seen)
  }

  /**
   * Counts a skipped step.
   *
   * @throws Error after too many in a row, or if no step of an epoch was completed
   */
  skip({ total, consecutive }: Skips, measured: Measured, seen: Seen): Skips {
    const { step, stepsPerEpoch } = seen.time
    const epochEnds = (step + 1) % stepsPerEpoch === 0
    if (consecutive + 1 >= limit || (epochEnds && consecutive + 1 >= stepsPerEpoch))
      throw this.error(
        `stopped after ${consecutive + 1} skipped steps in a row: ${this.find(measured)}`,
        seen,
      )
    return { total: total + 1, consecutive: consecutive + 1 }
  }

  /** @throws Error if an evaluation's loss is NaN or infinite */
  checkEvaluation(set: string, loss: number, seen: Seen): void {
    if (!Number.isFinite(loss))
      throw this.error(`the ${set} loss is ${loss} after the update`, seen)
  }

  private find({ metrics: { loss }, gradientSums }: Measured): string | undefined {
    if (!Number.isFinite(loss)) return `the loss is ${loss}`
    const at = gradientSums.findIndex((sum) => !Number.isFinite(sum))
    return at < 0
      ? undefined
      : `the gradient of ${this.paths[at]} is not finite, and the loss is ${loss}`
  }

  private error(what: string, { time: { step }, rate }: Seen): Error {
    return new NonFiniteError(
      `train: ${what} at step ${step} (learning rate ${rate}; tricks: ${this.tricks}). ` +
        `Try a smaller learning rate, a warm-up, or fewer tricks.`,
    )
  }
}
