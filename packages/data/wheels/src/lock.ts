import { lock } from 'proper-lockfile'

/** A lock that was not refreshed for this long, in milliseconds, is stale. */
const stale = 5_000

/**
 * Runs `work` exclusively for a folder; waits for other processes.
 *
 * @param report called if it has to wait
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
      // The lock was taken over while this process was suspended. Harmless, as each process works in its own folder.
      onCompromised: () => undefined,
    })
  const release = await take(false).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ELOCKED') throw error
    report('waiting for another installation or download to finish')
    return take(true)
  })
  try {
    return await work()
  } finally {
    await release().catch(() => undefined)
  }
}
