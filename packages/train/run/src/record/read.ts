import { existsSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { isLocked } from '../files/lock.ts'
import { parseRun, type RunRecord } from './record.ts'

/**
 * Reads a run's folder in Node, in any state: `run.json`, `metrics.jsonl`, and if present `test.safetensors`,
 * `validation.safetensors` and `batch.safetensors`.
 *
 * @throws Error if the folder contains neither run.json nor metrics.jsonl
 * @example
 * const page = reportPage(readRunFolder('runs/1'))
 */
export function readRunFolder(path: string): RunRecord {
  const bytes = (name: string): Uint8Array | undefined => {
    const file = join(path, name)
    return existsSync(file) ? readFileSync(file) : undefined
  }
  const [run, metrics] = ['run.json', 'metrics.jsonl'].map((name) => {
    const content = bytes(name)
    return content && new TextDecoder().decode(content)
  })
  if (run === undefined && metrics === undefined)
    throw new Error(`${path} is not a run: it contains neither run.json nor metrics.jsonl`)
  return parseRun({
    name: basename(resolve(path)),
    alive: isLocked(path),
    run,
    metrics,
    test: bytes('test.safetensors'),
    validation: bytes('validation.safetensors'),
    batch: bytes('batch.safetensors'),
  })
}
