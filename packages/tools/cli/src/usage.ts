import { resolve } from 'node:path'

/** 0 done · 1 failed · 2 wrong usage · 130 interrupted, with what was done saved. */
export const exitCodes = { failed: 1, usage: 2, interrupted: 130 } as const

/** A mistake on the command line. */
export class UsageError extends Error {}

/** A path as the user means it: npm runs scripts in the package's folder, and the user is elsewhere. */
export const fromUser = (path: string): string => resolve(process.env['INIT_CWD'] ?? '.', path)

/** An argument as one types it into a shell. */
export const quoted = (value: string): string =>
  /[^\w./:@-]/.test(value) ? `'${value.replaceAll("'", `'\\''`)}'` : value

/** Aborted when the user interrupts; a second interrupt ends the process. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(exitCodes.interrupted)
    console.error('\nFinishing the step, then saving. Interrupt again to quit at once.')
    stop.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return stop.signal
}

/** The candidate that a mistyped word is closest to, if any is close. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const scored = candidates.map((candidate) => ({ candidate, distance: distance(word, candidate) }))
  const best = scored.toSorted((a, b) => a.distance - b.distance)[0]
  return best && best.distance <= Math.max(1, Math.floor(word.length / 3))
    ? best.candidate
    : undefined
}

/** Levenshtein's: how many characters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      )
    row = next
  }
  return row[b.length]!
}
