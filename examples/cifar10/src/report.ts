import { join } from 'node:path'
import { isLocked, replaceFile } from '@tricks/checkpoint'
import type { Trick } from '@tricks/core'
import {
  comparisonPage,
  encodeBatch,
  encodeTest,
  readRunFolder,
  reportPage,
  type RunRecord,
  stepSheet,
} from '@tricks/report'
import type { ImageSet, TrainingData, TrainResult } from '@tricks/train'
import type { RunFolder } from './run-folder.ts'

/** Images of the first batch, as the page shows them. */
const shown = Array.from({ length: 12 }, (_, i) => i)

/** Keeps what the network is shown in the first step. The draws come from the seed, so this changes nothing. */
export async function keepBatch(
  folder: RunFolder,
  { batchSize, data, ...run }: BatchOptions,
): Promise<void> {
  // What doesn't fit is the trainer's to say.
  const size = Math.min(batchSize, data.facts.size)
  const sheet = await stepSheet({
    ...run,
    data,
    step: 0,
    show: shown.slice(0, size),
    rows: 'result',
  })
  folder.keep('batch.safetensors', encodeBatch(sheet, 0))
}

interface BatchOptions {
  /** The run's. */
  readonly data: TrainingData
  readonly batchSize: number
  readonly tricks: readonly Trick[]
  readonly seed: number
  readonly classes: readonly string[]
}

/** Keeps what was said of the test images, where they were looked at. */
export function keepTest(folder: RunFolder, { testLogits }: TrainResult, test: ImageSet): void {
  if (testLogits) folder.keep('test.safetensors', encodeTest(testLogits, test))
}

const read = (path: string): Promise<RunRecord> => readRunFolder(path, { alive: isLocked(path) })

/** Writes the page of a run, by default into its folder, and gives the page's path. */
export async function writeReport(
  path: string,
  file: string = join(path, 'report.html'),
): Promise<string> {
  replaceFile(file, reportPage(await read(path)))
  return file
}

/** Writes one page of several runs. */
export async function writeComparison(paths: readonly string[], file: string): Promise<string> {
  replaceFile(file, comparisonPage(await Promise.all(paths.map(read))))
  return file
}
