import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import {
  checkpointFolder,
  type CheckpointFolder,
  lockFolder,
  parseJson,
  replaceFile,
} from '@tricks/checkpoint'
import { exportModel, type ExportOptions } from '@tricks/models'

/** Where a run leaves what it was and what came of it. */
export interface RunFolder {
  readonly path: string
  readonly checkpoints: CheckpointFolder
  /** `run.json`: configuration and, in the end, the result. */
  describe(run: object): void
  /** A line of `metrics.jsonl`. */
  record(metrics: object): void
  /** Takes back what was recorded after that many steps: a resumed run will record it again. */
  rewind(steps: number): void
  /** A file of that name beside them. */
  keep(name: string, content: Uint8Array): void
  /** `model/`: a layers model with its normalisation inside, which plain tfjs loads. */
  saveModel(model: LayersModel, statistics: ExportOptions): Promise<void>
  /** Lets others in. */
  close(): void
}

/** @throws Error where the folder can't be written, is in use, or holds a run, before any time is spent */
export function openRunFolder(path: string, { resume = false } = {}): RunFolder {
  const metrics = join(path, 'metrics.jsonl')
  if (!resume && existsSync(join(path, 'run.json')))
    throw new Error(
      `--out: ${path} holds a run already: take another folder, or go on with --resume ${path}`,
    )
  let release: () => void
  try {
    mkdirSync(path, { recursive: true })
    release = lockFolder(path)
    if (!resume) writeFileSync(metrics, '')
  } catch (error) {
    throw new Error(`--out: ${path} can't be written: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return {
    path,
    checkpoints: checkpointFolder(join(path, 'checkpoints')),
    describe: (run) => replaceFile(join(path, 'run.json'), `${JSON.stringify(run, null, 2)}\n`),
    record: (line) => appendFileSync(metrics, `${JSON.stringify(line)}\n`),
    rewind(steps) {
      // The last line may have been cut by what ended the run.
      const lines = readFileSync(metrics, 'utf8').split('\n').slice(0, -1)
      const kept = lines.filter((line, i) => stepsIn(line, i + 1) <= steps)
      replaceFile(metrics, kept.map((line) => `${line}\n`).join(''))
    },
    keep: (name, content) => replaceFile(join(path, name), content),
    async saveModel(model, statistics) {
      mkdirSync(join(path, 'model'), { recursive: true })
      for (const [name, content] of Object.entries(await exportModel(model, statistics)))
        replaceFile(join(path, 'model', name), content)
    },
    close: release,
  }
}

function stepsIn(line: string, number: number): number {
  let record: unknown
  try {
    record = parseJson(line)
  } catch (error) {
    record = error
  }
  const steps = (record as { steps?: unknown } | null)?.steps
  if (typeof steps === 'number') return steps
  throw new Error(
    `--resume: line ${number} of metrics.jsonl is damaged (${line.slice(0, 60)}): take it out, and go on again`,
  )
}
