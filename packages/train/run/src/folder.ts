import {
  accessSync,
  appendFileSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { exportModel, type ExportOptions } from '@tricks/models'
import * as v from 'valibot'
import { checkpointFolder, type CheckpointFolder } from './checkpoint/folder.ts'
import { parseJson } from '@tricks/safetensors'
import { type Lock, lockFolder } from './files/lock.ts'
import { replaceFile } from './files/replace.ts'
import { parseFacts } from './record/record.ts'
import {
  type EpochLine,
  lineSchema,
  type RunFacts,
  type Settings,
  type StepLine,
} from './record/schema.ts'

/** The folder that records a run and its results. */
export interface RunFolder {
  readonly path: string
  readonly checkpoints: CheckpointFolder
  /** Writes `run.json`: the run's configuration, and in the end its result. */
  describe(facts: RunFacts): void
  /** Appends a line to `metrics.jsonl`. */
  record(line: StepLine | EpochLine): void
  /** Removes lines recorded after the given number of steps, which a resumed run records again. */
  rewind(steps: number): void
  /** Writes another file to the folder. */
  keep(name: string, content: Uint8Array | string): void
  /** Writes `model/`: a layers model that includes normalisation and that plain tfjs can load, and the class names. */
  saveModel(
    model: LayersModel,
    options: ExportOptions & { readonly classes: readonly string[] },
  ): Promise<void>
  /** Unlocks the folder. */
  close(): void
}

/**
 * Checks that a run can be written to a folder, before data is read.
 *
 * @throws Error if it can't be written or already contains a run
 * @example
 * checkFree('runs/new')
 */
export function checkFree(path: string): void {
  if (existsSync(join(path, 'run.json')))
    throw new Error(`${path} already contains a run: resume it, or choose another folder`)
  let above = path
  while (!existsSync(above) && dirname(above) !== above) above = dirname(above)
  try {
    if (!statSync(above).isDirectory()) throw new Error(`${above} is not a folder`)
    accessSync(above, constants.W_OK)
  } catch (error) {
    throw unwritable(path, error)
  }
}

const unwritable = (path: string, error: unknown): Error =>
  new Error(`can't write the run's folder ${path}: ${(error as Error).message}`, { cause: error })

/**
 * Locks a folder for a run.
 *
 * @throws Error if it can't be written, is in use, or contains a run (which is expected with `resume`)
 * @example
 * const folder = openRunFolder('runs/new')
 * folder.close()
 */
export function openRunFolder(path: string, { resume = false } = {}): RunFolder {
  const metrics = join(path, 'metrics.jsonl')
  if (!resume) checkFree(path)
  let lock: Lock
  try {
    mkdirSync(path, { recursive: true })
    lock = lockFolder(path)
    // Temporary files of a killed process.
    for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.part')) rmSync(join(path, name))
    if (!resume) writeFileSync(metrics, '')
  } catch (error) {
    throw unwritable(path, error)
  }
  return {
    path,
    checkpoints: checkpointFolder(join(path, 'checkpoints')),
    describe: (facts) => replaceFile(join(path, 'run.json'), `${JSON.stringify(facts, null, 2)}\n`),
    record(line) {
      lock.refresh()
      appendFileSync(metrics, `${JSON.stringify(line)}\n`)
    },
    rewind(steps) {
      // The last line may be truncated if the run was killed.
      const lines = readFileSync(metrics, 'utf8').split('\n').slice(0, -1)
      const kept = lines.filter((line, i) => stepsIn(line, i + 1) <= steps)
      replaceFile(metrics, kept.map((line) => `${line}\n`).join(''))
    },
    keep: (name, content) => replaceFile(join(path, name), content),
    async saveModel(model, { classes, ...options }) {
      mkdirSync(join(path, 'model'), { recursive: true })
      const files = {
        ...(await exportModel(model, options)),
        'classes.json': JSON.stringify(classes),
      }
      for (const [name, content] of Object.entries(files))
        replaceFile(join(path, 'model', name), content)
    },
    close: lock.release,
  }
}

function stepsIn(line: string, number: number): number {
  try {
    return v.parse(lineSchema, parseJson(line)).steps
  } catch {
    throw new Error(
      `line ${number} of metrics.jsonl is damaged (${line.slice(0, 60)}): remove it, and resume again`,
    )
  }
}

/** A run to resume: its configuration and the settings to set it up again. */
export interface EarlierRun {
  readonly facts: RunFacts
  readonly settings: Settings
}

const unresumable = (path: string, why: string, cause?: unknown): Error =>
  new Error(`${path} can't be resumed: ${why}`, { cause })

/**
 * Reads the run.json of a run to resume. The file is untrusted, so all of it is validated.
 *
 * @throws Error saying what is wrong with it
 */
export function readFacts(path: string): RunFacts {
  try {
    return parseFacts(readFileSync(join(path, 'run.json'), 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const missing = code === 'ENOENT' || code === 'ENOTDIR'
    throw unresumable(path, missing ? 'it contains no run.json' : `run.json: ${message}`, error)
  }
}

/**
 * Reads the run.json of a run that recorded its settings, as the command line does.
 *
 * @throws Error saying what is wrong with it, or that it has no settings
 * @example
 * const command = () => readRun('runs/mine').settings
 */
export function readRun(path: string): EarlierRun {
  const facts = readFacts(path)
  const { settings } = facts
  if (settings === undefined) throw unresumable(path, 'run.json contains no settings')
  return { facts, settings }
}
