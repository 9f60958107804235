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
import { parseJson } from './files/json.ts'
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

/** Where a run leaves what it was and what came of it. */
export interface RunFolder {
  readonly path: string
  readonly checkpoints: CheckpointFolder
  /** `run.json`: what the run is, and in the end its result. */
  describe(facts: RunFacts): void
  /** A line of `metrics.jsonl`. */
  record(line: StepLine | EpochLine): void
  /** Removes what was recorded after so many steps: a resumed run records it again. */
  rewind(steps: number): void
  /** A file with that name next to them. */
  keep(name: string, content: Uint8Array | string): void
  /** `model/`: a layers model with its normalisation inside, which plain tfjs loads; and the classes' names. */
  saveModel(
    model: LayersModel,
    options: ExportOptions & { readonly classes: readonly string[] },
  ): Promise<void>
  /** Unlocks the folder. */
  close(): void
}

/**
 * Whether a run could be written to a folder: to be asked before data is read.
 *
 * @throws Error if it can't be written, or holds a run
 * @example
 * checkFree('runs/new')
 */
export function checkFree(path: string): void {
  if (existsSync(join(path, 'run.json')))
    throw new Error(`${path} holds a run already: resume it, or choose another folder`)
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
 * Claims a folder for a run.
 *
 * @throws Error if it can't be written, is in use, or holds a run already (with `resume` that is expected)
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
    // What a killed process was writing.
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
      // The last line may have been truncated by what ended the run.
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

/** A run that is to be resumed: what it is, and what sets it up again. */
export interface EarlierRun {
  readonly facts: RunFacts
  readonly settings: Settings
}

const unresumable = (path: string, why: string, cause?: unknown): Error =>
  new Error(`${path} holds no run that can be resumed: ${why}`, { cause })

/**
 * Reads run.json of a run that is to be resumed. It may be somebody else's, or altered: all of it is checked.
 *
 * @throws Error that says what is wrong with it
 */
export function readFacts(path: string): RunFacts {
  try {
    return parseFacts(readFileSync(join(path, 'run.json'), 'utf8'))
  } catch (error) {
    throw unresumable(path, (error as Error).message, error)
  }
}

/**
 * The same of a run that recorded what sets it up again, as the command line does.
 *
 * @throws Error that says what is wrong with it, or that it recorded no settings
 * @example
 * const command = () => readRun('runs/mine').settings
 */
export function readRun(path: string): EarlierRun {
  const facts = readFacts(path)
  const { settings } = facts
  if (settings === undefined) throw unresumable(path, 'run.json records no settings')
  return { facts, settings }
}
