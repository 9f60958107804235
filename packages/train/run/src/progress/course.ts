import type { EpochProgress, StepProgress } from '@tricks/train'
import { percent } from './format.ts'

export interface RunLength {
  readonly epochs: number
  /** For a resumed run: its previous epochs, and its steps. */
  readonly earlier?: readonly EpochProgress[]
  readonly from?: number
}

/** The state of a run in progress: the best epoch so far, and the remaining time. */
export class Course {
  readonly epochs: number
  best: { readonly accuracy: number; readonly epoch: number } | undefined
  private readonly began = performance.now()
  private readonly from: number

  constructor({ epochs, earlier = [], from = 0 }: RunLength) {
    this.epochs = epochs
    this.from = from
    for (const epoch of earlier) this.note(epoch)
  }

  /** Whether this epoch is the best so far. */
  note({ epoch, validation }: EpochProgress): boolean {
    if (!validation || validation.accuracy <= (this.best?.accuracy ?? -1)) return false
    this.best = { accuracy: validation.accuracy, epoch }
    return true
  }

  /** In seconds, at the average pace so far, including evaluation. */
  left({ step, steps }: StepProgress['time']): number {
    const done = step + 1 - this.from
    return ((performance.now() - this.began) / 1000 / done) * (steps - step - 1)
  }

  bestText(): string {
    return this.best ? `best ${percent(this.best.accuracy)} after epoch ${this.best.epoch + 1}` : ''
  }
}
