import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Claims a folder for this process, so that two runs don't write in one. A dead owner holds nothing.
 *
 * @returns gives the folder back; the end of the process does too
 * @throws Error naming the process that holds it
 * @example
 * const release = lockFolder('runs/1')
 */
export function lockFolder(path: string): () => void {
  const file = join(path, 'lock')
  const claim = (): boolean => {
    try {
      writeFileSync(file, ownerOf(process.pid), { flag: 'wx' })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    }
  }
  if (!claim()) {
    const owner = ownerOfFolder(path)
    if (owner !== undefined)
      throw new Error(`${path} is in use by process ${owner}: wait for it, or take another folder`)
    rmSync(file, { force: true })
    if (!claim()) throw new Error(`${path} was just taken by another process: take another folder`)
  }
  const release = (): void => {
    process.off('exit', release)
    rmSync(file, { force: true })
  }
  process.once('exit', release)
  return release
}

/**
 * Whether a process that lives holds the folder, by `lockFolder`.
 *
 * @example
 * const words = isLocked('runs/1') ? 'still running' : 'not running'
 */
export const isLocked = (path: string): boolean => ownerOfFolder(path) !== undefined

function ownerOfFolder(path: string): number | undefined {
  try {
    const owner = readFileSync(join(path, 'lock'), 'utf8')
    const pid = Number.parseInt(owner, 10)
    return isAlive(pid) && ownerOf(pid) === owner ? pid : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A process by its number and, where the system tells, when it started, as numbers are given again. */
function ownerOf(pid: number): string {
  return `${pid} ${statOf(pid)?.[19] ?? ''}`.trim()
}

function isAlive(pid: number): boolean {
  // An empty or damaged lock is nobody's; a zombie has ended and only waits to be counted.
  if (!Number.isInteger(pid) || pid <= 0 || statOf(pid)?.[0] === 'Z') return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** What Linux tells of a process, from its state on; undefined elsewhere. */
function statOf(pid: number): string[] | undefined {
  try {
    // The name before it, in brackets, may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}
