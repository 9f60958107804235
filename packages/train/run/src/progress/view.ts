import type { Progress } from '@tricks/train'
import type { RunLength } from './course.ts'

export interface ProgressView {
  /** Prints a line about the run. */
  say(line: string): void
  /** Shows what the program is waiting for, such as '120 of 800 pictures read'; the next line replaces it. */
  status(line: string): void
  /** Prints the result of the run, in every mode except json. */
  result(line: string): void
  /** Reports an event, for programs. */
  event(event: object): void
  begin(run: RunLength): void
  show(progress: Progress): void
  end(): void
}
