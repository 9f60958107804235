import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { FeatureStore } from '@tricks/features'
import { replaceFile } from './files/replace.ts'

const checksum = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
/** Size of a SHA-256, in bytes. */
const checked = 32

/** A store that counts the blocks that it copied from other runs. */
export interface FeatureFiles extends FeatureStore {
  /** Number of blocks that were copied from runs in the same parent folder. */
  readonly reused: number
}

/**
 * Keeps a run's features in its folder, a file per block: its SHA-256 and its float32 values. A truncated or altered file
 * counts as missing, so its features are computed again.
 *
 * Names of blocks identify everything that their features depend on. So a block is copied from another run in the same
 * parent folder if it exists there, for example when a run is repeated with another number of epochs.
 *
 * @param run the run's folder
 * @example
 * const store = featureFiles('runs/1') // in runs/1/features, and from runs/2/features
 */
export function featureFiles(run: string): FeatureFiles {
  const path = join(run, 'features')
  mkdirSync(path, { recursive: true })
  // Features are read again for each step of the fit.
  const whole = new Set<string>()
  const fileIn = (folder: string, name: string): string => join(folder, `${name}.f32`)
  const parent = dirname(resolve(run))
  const others = readdirSync(parent)
    .toSorted()
    .map((name) => join(parent, name, 'features'))
    .filter((folder) => folder !== resolve(path) && existsSync(folder))
  let reused = 0

  function readFrom(folder: string, name: string, isChecked = false): Float32Array | undefined {
    const file = fileIn(folder, name)
    if (!existsSync(file)) return undefined
    const bytes = new Uint8Array(readFileSync(file))
    const values = bytes.slice(checked)
    const matches = (): boolean =>
      values.length % 4 === 0 && checksum(values).equals(bytes.subarray(0, checked))
    return isChecked || matches() ? new Float32Array(values.buffer) : undefined
  }
  function write(name: string, values: Float32Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    replaceFile(fileIn(path, name), Buffer.concat([checksum(bytes), bytes]))
    whole.add(name)
  }
  return {
    get reused() {
      return reused
    },
    read(name) {
      const own = readFrom(path, name, whole.has(name))
      if (own) {
        whole.add(name)
        return own
      }
      for (const folder of others) {
        const found = readFrom(folder, name)
        if (!found) continue
        reused++
        write(name, found)
        return found
      }
      return undefined
    },
    write,
  }
}
