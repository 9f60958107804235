import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { backendNames } from '@tricks/backend'
import { parseJson } from '@tricks/checkpoint'
import { modelNames } from '@tricks/models'
import { recipeNames } from './recipes.ts'
import type { RunFlags } from './run.ts'

const among =
  (names: readonly string[]) =>
  (value: unknown): boolean =>
    names.includes(value as string)
const whole =
  (least: number) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= least
const text = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && !value.includes('\0')

/** What each flag may be. */
const flags: Readonly<Record<keyof RunFlags, (value: unknown) => boolean>> = {
  recipe: among(recipeNames),
  seed: (value) => whole(0)(value) && (value as number) < 2 ** 32,
  model: among(modelNames),
  epochs: whole(1),
  backend: among(backendNames),
  data: text,
  limit: whole(1),
  teacher: text,
  microBatch: whole(1),
  nonFinite: among(['stop', 'skip']),
  precision: among(['float32', 'bfloat16']),
}

/** What run.json says of a run that is to go on. */
export interface EarlierRun {
  readonly flags: RunFlags
  readonly [fact: string]: unknown
}

/**
 * Reads run.json of a run that is to go on. It may be somebody else's, or altered: it is data, with limits on its size
 * and depth, and each flag in it is checked as one of the command line is.
 *
 * @throws Error that says what is wrong with it
 */
export function readRun(path: string): EarlierRun {
  const file = join(path, 'run.json')
  const wrong = (why: string, cause?: unknown): Error =>
    new Error(`--resume: ${path} holds no run: ${why}`, { cause })
  let run: unknown
  try {
    if (statSync(file).size > 64 * 2 ** 20) throw new Error('run.json is longer than 64 MiB')
    run = parseJson(readFileSync(file, 'utf8'))
  } catch (error) {
    throw wrong((error as Error).message, error)
  }
  if (!isObject(run) || !isObject(run['flags'])) throw wrong('run.json tells no flags')
  const given = run['flags']
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(flags, name)) throw wrong(`run.json has a flag ${name}, which there is not`)
    if (!flags[name as keyof RunFlags](value))
      throw wrong(`in run.json ${name} can't be ${JSON.stringify(value).slice(0, 100)}`)
  }
  for (const name of ['recipe', 'seed'])
    if (!Object.hasOwn(given, name)) throw wrong(`run.json tells no ${name}`)
  return { ...run, flags: given as unknown as RunFlags }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
