import { resolve } from 'node:path'
import { closest, distance } from 'fastest-levenshtein'

/** 0 done · 1 failed · 2 wrong usage · 130 interrupted, with what was done saved. */
export const exitCodes = { failed: 1, usage: 2, interrupted: 130 } as const

/** A mistake on the command line. */
export class UsageError extends Error {}

/** An argument as one types it into a shell. */
export const quoted = (value: string): string =>
  /[^\w./:@-]/.test(value) ? `'${value.replaceAll("'", `'\\''`)}'` : value

let stop: AbortController | undefined

/** Aborted when the user interrupts; a second interrupt ends the process. */
export function stopSignal(): AbortSignal {
  if (stop) return stop.signal
  const { signal } = (stop = new AbortController())
  const interrupt = (): void => {
    if (signal.aborted) process.exit(exitCodes.interrupted)
    console.error('\nFinishing the step, then saving. Interrupt again to quit at once.')
    stop!.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return signal
}

/** ' (did you mean …?)' with the candidate that a mistyped word is closest to; nothing if none is close. */
export function meant(word: string, candidates: readonly string[]): string {
  const best = closest(word, candidates)
  return distance(word, best) <= Math.ceil(word.length / 3) ? ` (did you mean ${best}?)` : ''
}

/** The program as the user calls it, which with npx depends on where the package is. */
export function programName(): string {
  if (process.env['npm_command'] !== 'exec') return 'tricks'
  return import.meta.dirname.startsWith(resolve('node_modules')) ? 'npx tricks' : 'npx @tricks/cli'
}
