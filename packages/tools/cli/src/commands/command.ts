import type { FlagName, Flags } from '../flags.ts'

/** A command of the program. */
export interface Command<N extends FlagName = FlagName> {
  /** Its name and arguments, as in the help: `train <data>`. */
  readonly usage: string
  readonly what: string
  readonly flags: readonly N[]
  readonly examples?: readonly string[]
  /**
   * @param given its arguments
   * @param program as the user calls it: `tricks`
   * @returns the exit code, by default 0
   */
  run(given: readonly unknown[], flags: Flags<N>, program: string): Promise<number | void>
}
