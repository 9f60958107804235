import type { Progress } from '@tricks/train'
import type { RunLength } from './course.ts'

export interface ProgressView {
  /** A line about the run, for a person. */
  say(line: string): void
  /** What is waited for, such as '120 of 800 pictures read': the next line replaces it. */
  status(line: string): void
  /** What came of the run: printed in every mode but json. */
  result(line: string): void
  /** Something that happened, for a program. */
  event(event: object): void
  begin(run: RunLength): void
  show(progress: Progress): void
  end(): void
}
