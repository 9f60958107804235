import { setTimeout as wait } from 'node:timers/promises'

/** Errors that waiting does not fix: the server refuses, or the file is not a database. */
const refused =
  /NOPERM|NOAUTH|WRONGPASS|permission denied|readonly|READONLY|malformed|not a database|authentication failed/

const hopeless = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  (error instanceof Error && refused.test(error.message))

/**
 * Retries an action while its server is down or the disk is full.
 *
 * @returns undefined if the signal aborts first
 * @throws Error that waiting doesn't fix
 */
export async function keepTrying<T>(
  act: () => Promise<T>,
  signal: AbortSignal,
  say: (line: string) => void = () => undefined,
): Promise<T | undefined> {
  let lastMessage = ''
  let stop = (): void => undefined
  const stopped = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)))
  signal.addEventListener('abort', stop)
  try {
    while (!signal.aborted) {
      try {
        // A client may wait forever for its server.
        return await Promise.race([act(), stopped])
      } catch (error) {
        if (hopeless(error)) throw error
        const { message } = error as Error
        if (message !== lastMessage) say(`trials: ${(lastMessage = message)}; trying again`)
      }
      await wait(1000, undefined, { signal }).catch(() => undefined)
    }
    return undefined
  } finally {
    // The signal of a worker that runs for days would accumulate listeners.
    signal.removeEventListener('abort', stop)
  }
}
