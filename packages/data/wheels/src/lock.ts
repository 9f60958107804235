import { lock } from 'proper-lockfile'

/** A lock whose owner has not touched it for that long is a dead one's, in milliseconds. */
const stale = 5_000

/**
 * Does the work while no other process does any in the same folder; waits for its turn.
 *
 * @param report is told if it waits
 * @example
 * await exclusively('.', console.log, () => writeFile('once.txt', ''))
 */
export async function exclusively<Result>(
  folder: string,
  report: (line: string) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  const take = (forever: boolean) =>
    lock(folder, {
      stale,
      retries: forever ? { forever: true, minTimeout: 500, maxTimeout: 1000 } : 0,
      // Taken over while this process slept. Each works in a folder of its own, so that harms nobody.
      onCompromised: () => undefined,
    })
  const release = await take(false).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ELOCKED') throw error
    report('waiting for another installation or download that is under way')
    return take(true)
  })
  try {
    return await work()
  } finally {
    await release().catch(() => undefined)
  }
}
