import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FeatureStore } from '@tricks/features'
import { replaceFile } from './files/replace.ts'

const checksum = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
/** Size of a SHA-256, in bytes. */
const checked = 32

/**
 * Keeps features in a folder, a file per block: its SHA-256 and its float32 values. A truncated or altered file counts
 * as missing, so its features are computed again.
 *
 * @param path created if missing
 * @example
 * const store = featureFiles('runs/1/features')
 */
export function featureFiles(path: string): FeatureStore {
  mkdirSync(path, { recursive: true })
  // Features are read again for each step of the fit.
  const whole = new Set<string>()
  const fileOf = (name: string): string => join(path, `${name}.f32`)
  return {
    read(name) {
      const file = fileOf(name)
      if (!existsSync(file)) return undefined
      const bytes = new Uint8Array(readFileSync(file))
      const values = bytes.slice(checked)
      if (!whole.has(name)) {
        if (values.length % 4 !== 0 || !checksum(values).equals(bytes.subarray(0, checked)))
          return undefined
        whole.add(name)
      }
      return new Float32Array(values.buffer)
    },
    write(name, values) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      replaceFile(fileOf(name), Buffer.concat([checksum(bytes), bytes]))
      whole.add(name)
    },
  }
}
