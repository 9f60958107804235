import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Claim } from './queue.ts'

const folderOf = (storage: string, id: string): string => join(storage, 'trials', id)

/**
 * Creates the folder of one attempt, which no other attempt writes to: `trials/<trial>/<attempt>-<token>` in the
 * storage folder.
 *
 * @throws Error if it can't be written
 */
export function attemptFolder(storage: string, { trial, attempt, token }: Claim): string {
  const folder = join(folderOf(storage, trial.id), `${attempt}-${token.slice(0, 8)}`)
  mkdirSync(folder, { recursive: true })
  return folder
}

/**
 * The folders of all attempts at a trial, newest first.
 *
 * @example
 * // The checkpoint with which a trial ended, for another one to start from:
 * const found = newestCheckpoint(attemptsAt('storage', 't-1'))
 */
export function attemptsAt(storage: string, id: string): string[] {
  const folder = folderOf(storage, id)
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+-/.test(name))
      .toSorted((a, b) => Number.parseInt(b) - Number.parseInt(a))
      .map((name) => join(folder, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Removes the files of all attempts at a trial, once no other trial will start from them. */
export const forget = (storage: string, id: string): void =>
  rmSync(folderOf(storage, id), { recursive: true, force: true })
