import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'

/** Where a run leaves what it was and what came of it. */
export interface RunFolder {
  readonly path: string
  /** `run.json`: configuration and, in the end, the result. */
  describe(run: object): void
  /** A line of `metrics.jsonl`. */
  record(metrics: object): void
  /** `model/`: a layers model, which tfjs loads. */
  saveModel(model: LayersModel): Promise<void>
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
    async saveModel(model) {
      mkdirSync(join(path, 'model'), { recursive: true })
      await model.save(
        tf.io.withSaveHandler(async ({ weightData, ...artifacts }) => {
          const { weightSpecs, modelTopology, format, generatedBy } = artifacts
          const weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData))
          replace(join(path, 'model', 'weights.bin'), weights)
          const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }]
          replace(
            join(path, 'model', 'model.json'),
            JSON.stringify({ format, generatedBy, modelTopology, weightsManifest: manifest }),
          )
          return {
            modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const },
          }
        }),
      )
    },
  }
}

/** Written beside and renamed, so that whoever reads finds the old file or the new one, never a half. */
function replace(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.part`, content)
  renameSync(`${path}.part`, path)
}
