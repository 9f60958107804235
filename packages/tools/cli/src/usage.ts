import { resolve } from 'node:path'
import { closest, distance } from 'fastest-levenshtein'

/** Exit codes; 0 is success. */
export const exitCodes = { failed: 1, usage: 2, interrupted: 130 } as const

/** A mistake on the command line. */
export class UsageError extends Error {}

/** Quotes an argument for a shell if needed. */
export const quoted = (value: string): string =>
  /[^\w./:@-]/.test(value) ? `'${value.replaceAll("'", `'\\''`)}'` : value

let stop: AbortController | undefined

/**
 * The signal that aborts when the user interrupts; a second interrupt ends the process.
 *
 * @param ending what is printed then
 */
export function stopSignal(ending = 'Finishing the step, then saving.'): AbortSignal {
  if (stop) return stop.signal
  const { signal } = (stop = new AbortController())
  const interrupt = (): void => {
    if (signal.aborted) process.exit(exitCodes.interrupted)
    console.error(`\n${ending} Press Ctrl+C again to quit immediately.`)
    stop!.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return signal
}

/** Whether an error only says that the user interrupted. */
export const isInterruption = (error: Error): boolean =>
  stop?.signal.aborted === true && error.name === 'AbortError'

/** Suggests the closest candidate, ' (did you mean …?)', or '' if none is close. */
export function meant(word: string, candidates: readonly string[]): string {
  const best = closest(word, candidates)
  return distance(word, best) <= Math.ceil(word.length / 3) ? ` (did you mean ${best}?)` : ''
}

/** The program's name as the user calls it; with npx it depends on where the package is installed. */
export function programName(): string {
  if (process.env['npm_command'] !== 'exec') return 'tricks'
  return import.meta.dirname.startsWith(resolve('node_modules')) ? 'npx tricks' : 'npx @tricks/cli'
}

/**
 * The names that `--only` lists, separated by commas; all of them without it.
 *
 * @throws UsageError for an unknown name
 */
export function chosenNames(only: string | undefined, names: readonly string[]): readonly string[] {
  if (only === undefined) return names
  const requested = only.split(',').map((name) => name.trim())
  const unknown = requested.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new UsageError(
      `--only: expected some of ${names.join(', ')}, got ${unknown}${meant(unknown, names)}`,
    )
  return requested
}
