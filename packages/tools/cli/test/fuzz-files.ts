// Altered files: policies, run.json, checkpoints. Each must work or be rejected with the reason.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { autoAugment, policies } from '@tricks/autoaugment'
import { compose, createRandom, oneHot, type Random } from '@tricks/core'
import { earlyStopping } from '@tricks/early-stopping'
import { createModel } from '@tricks/models'
import { decode, encode, readRun } from '@tricks/run'
import {
  type Checkpoint,
  type ImageSet,
  train,
  type TrainOptions,
  variablesOf,
} from '@tricks/train'
import { checkSettings } from '../src/flags.ts'
import { recipeNamed } from '../src/recipes/index.ts'

export interface Result {
  worked: number
  refused: number
  readonly findings: string[]
}

/** Runs `work`, which must succeed or throw an error with one of the given beginnings. */
async function attempt(
  result: Result,
  what: () => string,
  begins: readonly string[],
  work: () => unknown,
): Promise<void> {
  try {
    await work()
    result.worked++
  } catch (error) {
    result.refused++
    const { name, message } = error as Error
    if (!begins.some((each) => message.startsWith(each)))
      result.findings.push(`${what()}: ${name}: ${message}`)
  }
  if ('odd' in {}) throw new Error(`${what()} changed Object.prototype`)
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const odd: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  2 ** 53,
  '',
  'x',
  '__proto__',
  '../../etc/passwd',
  '\0',
  [],
  {},
  [[]],
  [null],
  ['Rotate', 0.5, 5],
  { $tensor: 'model/none' },
  { $tensor: 5 },
  'resnet-20',
  'wasm',
  'six',
  'y'.repeat(10_000),
  JSON.parse('{"__proto__": {"odd": 1}, "constructor": {"prototype": {"odd": 1}}}') as Json,
]

/** A copy with one change: a value replaced, removed, added, or nested deeply. */
export function mutate(value: Json, random: Random): Json {
  const copy = structuredClone(value)
  const positions: [Json[] | Record<string, Json>, string][] = []
  const walk = (node: Json): void => {
    if (typeof node !== 'object' || node === null) return
    for (const key of Object.keys(node)) {
      positions.push([node, key])
      walk((node as Record<string, Json>)[key]!)
    }
  }
  walk(copy)
  const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length)]!
  if (positions.length === 0) return pick(odd)
  const [node, key] = pick(positions)
  const entries = node as Record<string, Json>
  const kind = random.integer(0, 6)
  if (kind === 0 && Array.isArray(node)) node.splice(Number(key), 1)
  else if (kind === 0) delete entries[key]
  else if (kind === 1 && Array.isArray(node)) node.push(pick(odd))
  else if (kind === 1) entries[pick(['odd', 'step', 'settings', '$tensor', 'x/y'])] = pick(odd)
  else if (kind === 2) {
    let deep: Json = pick(odd)
    for (let i = 0; i < pick([1, 10, 70, 2000]); i++) deep = [deep]
    entries[key] = deep
  } else entries[key] = pick(odd)
  return copy
}

/** A copy with some bytes flipped, removed, inserted, or zeroed. */
function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(0, bytes.length)
  const length = random.integer(1, 40)
  const kind = random.integer(0, 4)
  if (kind === 0) return bytes.slice(0, at)
  if (kind === 1) return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length))
  const copy = bytes.slice()
  if (kind === 2) copy.fill(random.integer(0, 256), at, at + length)
  else copy[at]! ^= 1 << random.integer(0, 8)
  return copy
}

export async function fuzzPolicies(cases: number): Promise<Result> {
  const result: Result = { worked: 0, refused: 0, findings: [] }
  const images = tf.fill<tf.Rank.R4>([3, 6, 6, 3], 0.5)
  const targets = oneHot([0, 1, 0], 2)
  for (let i = 0; i < cases; i++) {
    const random = createRandom(21).at(i)
    const start = random.integer(0, 20)
    const own = policies[random.uniform() < 0.5 ? 'cifar10' : 'imagenet'].slice(start, start + 3)
    let policy = own as unknown as Json
    for (let times = random.integer(1, 4); times > 0; times--) policy = mutate(policy, random)
    await attempt(
      result,
      () => JSON.stringify(policy).slice(0, 300),
      ['autoaugment: '],
      () =>
        tf.tidy(() => {
          const trick = autoAugment({ policy: policy as unknown as typeof own })
          for (const step of [0, 1]) {
            const { images: made } = compose([trick], { seed: i }).batch(images, targets, step)
            if (!made.dataSync().every((value) => value >= 0 && value <= 1))
              throw new Error('an image leaves [0, 1]')
          }
        }),
    )
  }
  tf.dispose([images, targets])
  return result
}

export async function fuzzRuns(cases: number, folder: string): Promise<Result> {
  const result: Result = { worked: 0, refused: 0, findings: [] }
  const run: Json = {
    state: 'running',
    settings: {
      recipe: 'quick',
      seed: 1,
      model: 'plain',
      epochs: 2,
      backend: 'wasm',
      data: 'd',
      limit: 9,
    },
    model: 'plain',
    pipeline: [
      { stage: 'images', tricks: [{ name: 'cutout', key: 'cutout', options: { length: 8 } }] },
    ],
    data: { from: 'embedded', trainingImages: 9, sha256: 'ab' },
    wallClock: { began: 'now', resumed: [{ steps: 4 }] },
  }
  for (let i = 0; i < cases; i++) {
    const random = createRandom(22).at(i)
    const text = new TextEncoder().encode(JSON.stringify(mutate(run, random)))
    const bytes = random.uniform() < 0.3 ? mutateBytes(text, random) : text
    writeFileSync(join(folder, 'run.json'), bytes)
    await attempt(
      result,
      () => new TextDecoder().decode(bytes).slice(0, 300),
      [`${folder} can't be resumed: `, '--recipe: '],
      async () => {
        const { settings } = readRun(folder)
        checkSettings(folder, settings)
        await recipeNamed(settings.recipe)
        if (!Number.isInteger(settings.seed)) throw new Error('an invalid seed')
      },
    )
  }
  return result
}

const set: ImageSet = {
  images: Uint8Array.from({ length: 30 * 6 * 6 * 3 }, (_, i) => (i * 7919) % 251),
  labels: Array.from({ length: 30 }, (_, i) => i % 3),
  height: 6,
  width: 6,
  channels: 3,
  classes: ['a', 'b', 'c'],
}

const options = (): TrainOptions => ({
  model: createModel('plain', { widths: [[2], [3]], inputShape: [6, 6, 3], classes: 3 }),
  data: { train: set },
  tricks: [earlyStopping({ patience: 3 })],
  optimizer: tf.train.adam(0.01),
  epochs: 3,
  batchSize: 8,
  validation: 6,
  seed: 1,
})

/** Some are altered as by a disk or a transfer; the others have a matching checksum. */
export async function fuzzCheckpoints(cases: number): Promise<Result> {
  const result: Result = { worked: 0, refused: 0, findings: [] }
  const made: Checkpoint[] = []
  await train({
    ...options(),
    checkpoint: { every: { steps: 1 }, save: (each) => void made.push(each) },
  })
  const good = encode(made.at(-3)!)
  for (let i = 0; i < cases; i++) {
    const random = createRandom(23).at(i)
    if (i % 2 === 0) {
      const bytes = mutateBytes(good, random)
      if (Buffer.compare(bytes, good) === 0) continue
      const whole = ((): boolean => {
        try {
          return Boolean(decode(bytes))
        } catch {
          return false
        }
      })()
      if (whole) result.findings.push(`altered bytes were accepted, case ${i}`)
      await attempt(
        result,
        () => `bytes of case ${i}`,
        ['checkpoint: not a whole'],
        () => decode(bytes),
      )
      continue
    }
    const bytes = forge(good, random)
    const given = options()
    await attempt(
      result,
      () => `forged case ${i}`,
      ['checkpoint: not a whole checkpoint: ', 'train: '],
      async () => {
        const { epochs } = await train({ ...given, resume: decode(bytes) })
        for (const { training, validation } of epochs)
          for (const value of [training.loss, training.accuracy, validation!.loss])
            if (!Number.isFinite(value)) throw new Error(`a metric is ${value}`)
      },
    )
    given.optimizer.dispose()
    tf.dispose(variablesOf(given.model))
  }
  return result
}

/** Alters the header and updates the checksum. */
function forge(bytes: Uint8Array, random: Random): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as {
    __metadata__: Record<string, string>
    [name: string]: unknown
  }
  const values = bytes.slice(8 + length)
  const kind = random.uniform()
  let { __metadata__: metadata, ...entries } = header
  if (kind < 0.6) {
    const run = JSON.parse(metadata['checkpoint']!) as Json
    metadata = { ...metadata, checkpoint: JSON.stringify(mutate(run, random)) }
  } else if (kind < 0.9) entries = mutate(entries as Json, random) as typeof entries
  else values.fill(random.integer(0, 256), random.integer(0, values.length))
  const text = JSON.stringify({
    __metadata__: { ...metadata, sha256: '0'.repeat(64) },
    ...(typeof entries === 'object' ? entries : {}),
  })
  const encoded = new TextEncoder().encode(text)
  const file = new Uint8Array(8 + encoded.length + values.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(encoded.length), true)
  file.set(encoded, 8)
  file.set(values, 8 + encoded.length)
  const at = 8 + text.indexOf('"sha256":"') + '"sha256":"'.length
  file.set(new TextEncoder().encode(createHash('sha256').update(file).digest('hex')), at)
  return file
}
