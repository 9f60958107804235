import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'

/**
 * Replaces a file atomically: writes a temporary file, flushes it and renames it. A reader sees either the old or the
 * new content, even if several processes write at once, on one machine or on many that share the folder.
 *
 * @throws Error from the system if it can't be written; the old file is unchanged and no temporary file remains
 * @example
 * replaceFile('runs/1/run.json', JSON.stringify({ state: 'running' }))
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  // Process ids are the same in many containers, and threads share one.
  const beside = `${path}.${randomUUID().slice(0, 8)}.part`
  try {
    const file = openSync(beside, 'w')
    try {
      // On a full disk a write may be partial, and only the next write fails: write-file-atomic writes once and would
      // rename a truncated file.
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
