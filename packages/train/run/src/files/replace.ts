import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'

/**
 * Writes a file beside, flushes it and renames it: a reader finds the old file or the new one, never half of one, even if
 * two processes write at once.
 *
 * @throws Error of the system if it can't be written; the old file is as it was, and nothing is left beside it
 * @example
 * replaceFile('runs/1/run.json', JSON.stringify({ state: 'running' }))
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const beside = `${path}.${process.pid}.part`
  try {
    const file = openSync(beside, 'w')
    try {
      // A full disk takes a part, and says so at the next write only: write-file-atomic writes once and renames what it got.
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
