import type { FlagName, Flags } from '../flags.ts'

/** A command of the program. */
export interface Command<N extends FlagName = FlagName> {
  /** Name and arguments, as shown in the help: `train <data>`. */
  readonly usage: string
  readonly what: string
  readonly flags: readonly N[]
  readonly examples?: readonly string[]
  /**
   * @param given the arguments
   * @param program the program's name as the user calls it: `tricks`
   * @returns the exit code, default 0
   */
  run(given: readonly unknown[], flags: Flags<N>, program: string): Promise<number | void>
}
