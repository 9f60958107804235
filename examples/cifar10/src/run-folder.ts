import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { exportModel, type ExportOptions } from '@tricks/models'

/** Where a run leaves what it was and what came of it. */
export interface RunFolder {
  readonly path: string
  /** `run.json`: configuration and, in the end, the result. */
  describe(run: object): void
  /** A line of `metrics.jsonl`. */
  record(metrics: object): void
  /** `model/`: a layers model with its normalisation inside, which plain tfjs loads. */
  saveModel(model: LayersModel, statistics: ExportOptions): Promise<void>
}

/** @throws Error where the folder can't be written, before any time is spent on training */
export function openRunFolder(path: string): RunFolder {
  try {
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'metrics.jsonl'), '')
  } catch (error) {
    throw new Error(`--out: ${path} can't be written: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return {
    path,
    describe: (run) => replace(join(path, 'run.json'), `${JSON.stringify(run, null, 2)}\n`),
    record: (metrics) =>
      appendFileSync(join(path, 'metrics.jsonl'), `${JSON.stringify(metrics)}\n`),
    async saveModel(model, statistics) {
      mkdirSync(join(path, 'model'), { recursive: true })
      for (const [name, content] of Object.entries(await exportModel(model, statistics)))
        replace(join(path, 'model', name), content)
    },
  }
}

/** Written beside and renamed, so that whoever reads finds the old file or the new one, never a half. */
function replace(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.part`, content)
  renameSync(`${path}.part`, path)
}
