import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'

/**
 * Writes a file beside, flushes it and renames it: whoever reads finds the old file or the new one, never a half,
 * whatever happens meanwhile.
 *
 * @throws Error of the system where it can't be written; the old file is as it was, and nothing is left beside
 * @example
 * replaceFile('runs/1/run.json', JSON.stringify({ state: 'running' }))
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const beside = `${path}.part`
  try {
    const file = openSync(beside, 'w')
    try {
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
