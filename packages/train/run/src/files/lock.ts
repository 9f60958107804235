import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** How long another machine's lock is valid after its last refresh, in milliseconds. */
const patience = 10 * 60_000

/** A locked folder. */
export interface Lock {
  /** Signals to other machines that the owner is alive; call it at least every few minutes. */
  refresh(): void
  /** Releases the folder; the end of the process does too. */
  release(): void
}

/**
 * Locks a folder for this process, so that two runs can't write to it. A dead owner's lock is ignored: immediately if
 * it was on this machine, after ten minutes without a refresh if it was on another one (in a shared folder).
 *
 * @throws Error naming the process that holds it
 * @example
 * const lock = lockFolder('runs/1')
 * lock.release()
 */
export function lockFolder(path: string): Lock {
  const file = join(path, 'lock')
  const claim = (): boolean => {
    try {
      writeFileSync(file, JSON.stringify(ownerOf(process.pid)), { flag: 'wx' })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    }
  }
  if (!claim()) {
    const owner = lockOwner(path)
    if (owner !== undefined)
      throw new Error(`${path} is in use by ${owner}: wait until it ends, or choose another folder`)
    rmSync(file, { force: true })
    if (!claim())
      throw new Error(`${path} was just claimed by another process: choose another folder`)
  }
  const release = (): void => {
    process.off('exit', release)
    rmSync(file, { force: true })
  }
  process.once('exit', release)
  return {
    refresh() {
      try {
        utimesSync(file, new Date(), new Date())
      } catch {
        // Someone removed the lock, which is no reason to stop.
      }
    },
    release,
  }
}

/**
 * Whether a live process holds the folder's lock.
 *
 * @example
 * const words = isLocked('runs/1') ? 'still running' : 'not running'
 */
export const isLocked = (path: string): boolean => lockOwner(path) !== undefined

interface Owner {
  readonly host: string
  readonly pid: number
  /** Start time of the process, as process ids are reused; empty if unavailable. */
  readonly start: string
}

const ownerOf = (pid: number): Owner => ({ host: hostname(), pid, start: statOf(pid)?.[19] ?? '' })

/** Describes the lock's owner. */
function lockOwner(path: string): string | undefined {
  const file = join(path, 'lock')
  try {
    const owner = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner> | null
    const { host, pid, start } = owner ?? {}
    if (typeof host !== 'string' || !Number.isInteger(pid)) return undefined
    if (host !== hostname())
      return Date.now() - statSync(file).mtimeMs < patience
        ? `process ${pid} on ${host}`
        : undefined
    return isAlive(pid!) && ownerOf(pid!).start === start ? `process ${pid}` : undefined
  } catch (error) {
    // An empty or damaged lock belongs to nobody.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT')
      return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  // A zombie has ended and is only waiting for its parent.
  if (pid <= 0 || statOf(pid)?.[0] === 'Z') return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process can't be signalled, but it exists.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The fields of /proc/<pid>/stat from the process state on; undefined on systems other than Linux. */
function statOf(pid: number): string[] | undefined {
  try {
    // The process name before them, in brackets, may contain anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}
