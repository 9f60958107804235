import { keyOf, type Pipeline, type Time } from '@tricks/core'
import type { Measured } from './measures.ts'

/** What to do where a loss or a gradient is NaN or infinite. */
export type NonFinite = 'stop' | 'skip'

/** So many skipped steps in a row end the run. */
const limit = 10

/** How many steps were skipped. */
export interface Skips {
  readonly total: number
  /** Those since the last that was taken. */
  readonly consecutive: number
}

/** Where a step's figures were seen. */
export interface Seen {
  readonly time: Time
  readonly rate: number
}

/** Makes errors that name what is not finite, and what was going on. */
export class Watch {
  private readonly paths: readonly string[]
  private readonly tricks: string

  /** @param paths of the trainable variables, in the order of a step's gradient sums */
  constructor(paths: readonly string[], { tricks }: Pipeline) {
    this.paths = paths
    this.tricks = tricks.map(keyOf).join(', ') || 'none'
  }

  /** @throws Error if the loss or a gradient is NaN or infinite */
  check(measured: Measured, seen: Seen): void {
    const found = this.find(measured)
    if (found !== undefined) throw this.error(found, seen)
  }

  /**
   * Counts a step that is skipped.
   *
   * @throws Error after too many in a row, or where no step of an epoch was taken
   */
  skip({ total, consecutive }: Skips, measured: Measured, seen: Seen): Skips {
    const { step, stepsPerEpoch } = seen.time
    const epochEnds = (step + 1) % stepsPerEpoch === 0
    if (consecutive + 1 >= limit || (epochEnds && consecutive + 1 >= stepsPerEpoch))
      throw this.error(
        `gave up after ${consecutive + 1} skipped steps in a row, as ${this.find(measured)}`,
        seen,
      )
    return { total: total + 1, consecutive: consecutive + 1 }
  }

  /** @throws Error where an evaluation's loss is NaN or infinite */
  checkEvaluation(set: string, loss: number, seen: Seen): void {
    if (!Number.isFinite(loss))
      throw this.error(`the ${set} loss is ${loss} after the update`, seen)
  }

  private find({ metrics: { loss }, gradientSums }: Measured): string | undefined {
    if (!Number.isFinite(loss)) return `the loss is ${loss}`
    const at = gradientSums.findIndex((sum) => !Number.isFinite(sum))
    return at < 0
      ? undefined
      : `the gradient of ${this.paths[at]} is not finite, while the loss is ${loss}`
  }

  private error(what: string, { time: { step }, rate }: Seen): Error {
    return new Error(
      `train: ${what} at step ${step} (learning rate ${rate}; tricks: ${this.tricks}). ` +
        `Try a smaller learning rate or a warm-up, or leave a trick out.`,
    )
  }
}
