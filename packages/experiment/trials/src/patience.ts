import { setTimeout as wait } from 'node:timers/promises'

/** An error that waiting does not fix: the server refuses, or the file is not a database. */
const refused =
  /NOPERM|NOAUTH|WRONGPASS|permission denied|readonly|READONLY|malformed|not a database|authentication failed/

const hopeless = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  (error instanceof Error && refused.test(error.message))

/** A signal that is aborted with the first of others. Node may collect an AbortSignal.any that somebody listens to. */
export function firstOf(...signals: readonly AbortSignal[]): AbortSignal {
  const either = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) either.abort()
    signal.addEventListener('abort', () => either.abort(), { once: true })
  }
  return either.signal
}

/**
 * Repeats what fails while a server is away or its disk is full.
 *
 * @returns undefined if the signal came first
 * @throws Error that waiting doesn't mend
 */
export async function keepTrying<T>(
  act: () => Promise<T>,
  signal: AbortSignal,
  say: (line: string) => void = () => undefined,
): Promise<T | undefined> {
  let lastMessage = ''
  const given = aborted(signal)
  while (!signal.aborted) {
    try {
      // A client may wait for its server without an end.
      return await Promise.race([act(), given])
    } catch (error) {
      if (hopeless(error)) throw error
      const { message } = error as Error
      if (message !== lastMessage) say(`trials: ${(lastMessage = message)}; trying again`)
    }
    await wait(1000, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}
