import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { adabound } from '@tricks/adabound'
import { useBackend } from '@tricks/backend'
import { createRandom, type Trick } from '@tricks/core'
import { earlyStopping } from '@tricks/early-stopping'
import { createModel } from '@tricks/models'
import {
  type Checkpoint,
  type ImageSet,
  train,
  type TrainOptions,
  variablesOf,
} from '@tricks/train'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkpointFolder, decode, encode, isLocked, lockFolder } from '../src/index.ts'

const root = mkdtempSync(join(tmpdir(), 'checkpoint-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const fresh = (): string => join(root, `${folders++}`)

const random = createRandom(4)
const [side, count] = [6, 150]
const set: ImageSet = {
  images: Uint8Array.from({ length: count * side * side * 3 }, () => random.integer(0, 256)),
  labels: Array.from({ length: count }, () => random.integer(0, 4)),
  height: side,
  width: side,
  channels: 3,
  classes: ['a', 'b', 'c', 'd'],
}

const optionsOf = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: createModel('plain', {
    widths: [[4], [8]],
    inputShape: [side, side, 3],
    classes: 4,
    dropout: 0.2,
  }),
  data: { train: set },
  optimizer: tf.train.momentum(0.05, 0.9),
  epochs: 3,
  batchSize: 20,
  validation: 30,
  seed: 2,
  readEvery: 4,
  ...more,
})
const weightsOf = ({ model }: TrainOptions): number[] =>
  Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])

beforeAll(async () => {
  await useBackend('wasm')
})

/** A checkpoint after the given step, encoded and decoded. */
async function checkpointAt(step: number, options: TrainOptions): Promise<Checkpoint> {
  let made: Checkpoint | undefined
  const stop = new AbortController()
  await train({
    ...options,
    signal: stop.signal,
    checkpoint: {
      every: { steps: 1 },
      save(checkpoint) {
        if (checkpoint.step !== step) return
        made = decode(encode(checkpoint))
        stop.abort()
      },
    },
  })
  return made!
}

describe('a resumed run is bit-equal to an uninterrupted one', () => {
  const optimizers: [string, () => tf.Optimizer][] = [
    ['momentum', () => tf.train.momentum(0.05, 0.9, true)],
    ['sgd', () => tf.train.sgd(0.05)],
    ['adam', () => tf.train.adam(0.01)],
    ['adamax, whose rate decays', () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.1)],
    ['rmsprop', () => tf.train.rmsprop(0.001)],
    ['rmsprop with momentum', () => tf.train.rmsprop(0.001, 0.9, 0.5)],
    // tfjs subtracts its epsilon under the root: a larger one gives NaN.
    ['centred rmsprop', () => tf.train.rmsprop(0.0001, 0.9, 0.5, 1e-30, true)],
    ['adagrad', () => tf.train.adagrad(0.01)],
    ['adadelta', () => tf.train.adadelta(0.1)],
    ['adabound', () => adabound({ learningRate: 0.01, amsbound: true })],
  ]
  test.each(optimizers)('%s, from the middle and the end of an epoch', async (_, optimizer) => {
    const whole = optionsOf({ optimizer: optimizer() })
    const { epochs } = await train(whole)
    for (const step of [4, 6, 13]) {
      const resume = await checkpointAt(step, optionsOf({ optimizer: optimizer() }))
      const again = optionsOf({ optimizer: optimizer(), resume })
      const result = await train(again)
      expect(weightsOf(again)).toEqual(weightsOf(whole))
      const plain = (each: typeof epochs): unknown =>
        each.map(({ seconds: _seconds, ...rest }) => rest)
      expect(plain(result.epochs)).toEqual(plain(epochs))
    }
  })

  test('with frozen layers, and an optimizer that was used for another model', async () => {
    const make = (more: Partial<TrainOptions> = {}): TrainOptions => {
      const options = optionsOf({ optimizer: tf.train.adam(0.01), ...more })
      ;(options.model as LayersModel).layers[1]!.trainable = false
      return options
    }
    const whole = make()
    await train(whole)
    const resume = await checkpointAt(7, make())
    const optimizer = tf.train.adam(0.01)
    await train(optionsOf({ optimizer }))
    const before = tf.memory().numTensors
    const again = make({ optimizer, resume })
    const own = tf.memory().numTensors - before
    await train(again)
    expect(weightsOf(again)).toEqual(weightsOf(whole))
    // The other model's state is gone, which is larger by that of the frozen kernel.
    expect(tf.memory().numTensors).toBe(before + own - 2)
  })

  test('and its optimizer can continue in another run', async () => {
    const whole = optionsOf({ optimizer: tf.train.adam(0.01) })
    await train(whole)
    await train(whole)
    const resume = await checkpointAt(13, optionsOf({ optimizer: tf.train.adam(0.01) }))
    const again = optionsOf({ optimizer: tf.train.adam(0.01) })
    await train({ ...again, resume })
    await train(again)
    expect(weightsOf(again)).toEqual(weightsOf(whole))
  })

  test('with state that contains tensors, and equal reports', async () => {
    const tricks = (): Trick[] => [earlyStopping({ patience: 9 })]
    const reported: number[] = []
    const whole = optionsOf({
      tricks: tricks(),
      onProgress: (each) => each.kind === 'step' && reported.push(each.loss),
    })
    await train(whole)
    const resume = await checkpointAt(11, optionsOf({ tricks: tricks() }))
    const after: number[] = []
    const again = optionsOf({
      tricks: tricks(),
      resume,
      onProgress: (each) => each.kind === 'step' && after.push(each.loss),
    })
    await train(again)
    expect(weightsOf(again)).toEqual(weightsOf(whole))
    expect(after).toEqual(reported.slice(-after.length))
    expect(after.length).toBeGreaterThan(1)
  })

  test('leaves no tensor behind', async () => {
    const optimizer = tf.train.momentum(0.05, 0.9)
    const options = optionsOf({ optimizer })
    const resume = await checkpointAt(5, options)
    await train({ ...options, resume })
    const before = tf.memory().numTensors
    await train({ ...options, checkpoint: { every: { steps: 2 }, save: () => {} } })
    expect(tf.memory().numTensors).toBe(before)
  })
})

test('rejects an optimizer’s state of another form', async () => {
  for (const optimizer of [tf.train.rmsprop(0.001), adabound({ learningRate: 0.01 })]) {
    const { tensors, ...rest } = await checkpointAt(3, optionsOf({ optimizer }))
    const slot = Object.keys(tensors).find((name) => /^optimizer\/.*kernel/.test(name))!
    const values = new Float32Array(1)
    const wrong: Checkpoint['tensors'][] = [
      { ...tensors, [slot]: { dtype: 'float32', shape: [1], values } },
      Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== slot)),
    ]
    for (const each of wrong) {
      const resume = { ...rest, tensors: each }
      const config = optimizer.getConfig() as { learningRate: number }
      const again =
        optimizer.getClassName() === 'RMSProp' ? tf.train.rmsprop(0.001) : adabound(config)
      await expect(train(optionsOf({ optimizer: again, resume }))).rejects.toThrow(
        /^train: the checkpoint (is damaged: the optimizer's state does not fit the model|can't be restored: adabound: expected the step count)/,
      )
    }
  }
})

test('rejects a checkpoint of another run, with the differences', async () => {
  const resume = await checkpointAt(3, optionsOf())
  const refused = (more: Partial<TrainOptions>): Promise<unknown> =>
    train(optionsOf({ resume, ...more }))
  await expect(refused({ seed: 3, batchSize: 10 })).rejects.toThrow(
    'train: the checkpoint is of another run\n  batchSize: saved 20, here 10\n  seed: saved 2, here 3',
  )
  await expect(refused({ tricks: [earlyStopping()] })).rejects.toThrow(
    'tricks: saved none, here {"name":"early-stopping"',
  )
  await expect(refused({ optimizer: tf.train.adam() })).rejects.toThrow(
    'optimizer: saved {"name":"Momentum"',
  )
  const model = createModel('plain', {
    widths: [[4], [9]],
    inputShape: [side, side, 3],
    classes: 4,
    dropout: 0.2,
  })
  await expect(refused({ model })).rejects.toThrow('saved "stage2/block1/conv/kernel [3, 3, 4, 8]"')
  const images = set.images.subarray(0, set.images.length).map((byte) => byte ^ 1)
  await expect(refused({ data: { train: { ...set, images } } })).rejects.toThrow('data: saved {')
})

describe('the checkpoint file', () => {
  test('can be read by other safetensors readers', async () => {
    const bytes = encode(await checkpointAt(2, optionsOf()))
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    expect(length % 8).toBe(0)
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >
    expect(header['model/stage1/block1/conv/kernel']).toMatchObject({
      dtype: 'F32',
      shape: [3, 3, 3, 4],
    })
    const ends = Object.values(header).flatMap((entry) => entry.data_offsets?.[1] ?? [])
    expect(Math.max(...ends)).toBe(bytes.length - 8 - length)
  })

  test('is rejected if altered at any of 200 offsets or truncated at any of 50', async () => {
    const bytes = encode(await checkpointAt(2, optionsOf()))
    const offsets = createRandom(7)
    for (let i = 0; i < 200; i++) {
      const altered = bytes.slice()
      // The first offsets, the length and the header, would rarely be drawn at random.
      const offset = i < 60 ? i * 7 : offsets.integer(0, bytes.length)
      altered[offset]! ^= 1 << offsets.integer(0, 8)
      expect(() => decode(altered), `byte ${offset}`).toThrow('not a whole checkpoint')
    }
    for (let i = 0; i < 50; i++)
      expect(() => decode(bytes.subarray(0, offsets.integer(0, bytes.length)))).toThrow(
        'not a whole checkpoint',
      )
  })
})

describe('the checkpoint folder', () => {
  test('keeps the last and the best, and returns the newest intact one', async () => {
    const path = fresh()
    const folder = checkpointFolder(path, { keep: 2 })
    expect(folder.latest()).toBeUndefined()
    await train(optionsOf({ checkpoint: { every: { steps: 5 }, save: folder.save } }))
    const names = readdirSync(path)
    expect(names).toContain('best.safetensors')
    expect(names.filter((name) => name.startsWith('step-'))).toHaveLength(2)
    expect(names.filter((name) => name.endsWith('.part'))).toEqual([])

    const newest = folder.latest()!
    const bytes = readFileSync(newest.file)
    writeFileSync(newest.file, bytes.subarray(0, bytes.length / 2))
    const before = folder.latest()!
    expect(before.checkpoint.step).toBeLessThan(newest.checkpoint.step)
    expect(before.skipped).toEqual([
      { file: newest.file, reason: expect.stringContaining('not a whole checkpoint') as string },
    ])
    writeFileSync(before.file, '')
    expect(() => folder.latest()).toThrow(/all in .* are damaged\n {2}step-/)
  })

  test('a full disk is reported, and earlier files remain', async () => {
    const path = fresh()
    checkpointFolder(path).save(await checkpointAt(1, optionsOf()), false)
    // A process that may write at most 8 KiB per file.
    const script = `
      import { checkpointFolder } from ${JSON.stringify(join(import.meta.dirname, '../src/checkpoint/folder.ts'))}
      process.on('SIGXFSZ', () => {})
      const path = process.argv[1]
      const checkpoint = checkpointFolder(path).latest().checkpoint
      const values = new Float32Array(10000)
      const big = { ...checkpoint, step: 2, tensors: { big: { dtype: 'float32', shape: [10000], values } } }
      try { checkpointFolder(path).save(big, false) } catch (error) { console.log(error.message) }
    `
    const node = [
      process.execPath,
      '--conditions=@tricks/source',
      '--no-warnings',
      '--input-type=module',
      '-e',
      script,
      path,
    ]
    const quoted = node.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ')
    const { stdout } = spawnSync('bash', ['-c', `ulimit -f 8; exec ${quoted}`], {
      encoding: 'utf8',
    })
    expect(stdout).toMatch(
      /step-000000002\.safetensors can't be written \(EFBIG.*\); earlier checkpoints are intact/,
    )
    expect(readdirSync(path)).toEqual(['step-000000001.safetensors'])
    expect(checkpointFolder(path).latest()!.checkpoint.step).toBe(1)
  })

  test('an impossible folder is reported', () => {
    writeFileSync(join(root, 'file'), '')
    expect(() => checkpointFolder(join(root, 'file', 'inside'))).toThrow()
    expect(() => checkpointFolder(fresh(), { keep: 0 })).toThrow(
      'expected keep to be a positive integer, got 0',
    )
  })
})

test('a file is replaced by several writers of one process id', async () => {
  const folder = fresh()
  mkdirSync(folder)
  const file = join(folder, 'run.json')
  const replace = JSON.stringify(join(import.meta.dirname, '../src/files/replace.ts'))
  const script = `
    const { workerData } = require('node:worker_threads')
    import(${replace}).then(({ replaceFile }) => {
      for (let i = 0; i < 100; i++) replaceFile(workerData.file, workerData.text.repeat(50_000))
    })
  `
  const errors = await Promise.all(
    ['1', '2'].map(
      (text) =>
        new Promise((resolve) => {
          new Worker(script, { eval: true, workerData: { file, text } })
            .once('error', resolve)
            .once('exit', () => resolve(undefined))
        }),
    ),
  )
  expect(errors).toEqual([undefined, undefined])
  expect(readdirSync(folder)).toEqual(['run.json'])
  expect(['1', '2'].map((text) => text.repeat(50_000))).toContain(readFileSync(file, 'utf8'))
})

test('a lock is held only while its owner is alive', async () => {
  const path = fresh()
  mkdirSync(path)
  const lock = lockFolder(path)
  const script = `
    import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, '../src/files/lock.ts'))}
    try { lockFolder(process.argv[1]); console.log('taken') } catch (error) { console.log(error.message) }
  `
  const other = (): string =>
    spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script, path], {
      encoding: 'utf8',
    }).stdout
  expect(isLocked(path)).toBe(true)
  expect(other()).toContain(`is in use by process ${process.pid}`)
  lock.release()
  expect(isLocked(path)).toBe(false)
  expect(other()).toContain('taken')
  expect(existsSync(join(path, 'lock'))).toBe(false)
  // Owners: gone, with a reused process id, ended but not reaped, and none.
  const zombie = spawn('sh', ['-c', 'sleep 0 & exec sleep 5'])
  await new Promise((resolve) => setTimeout(resolve, 300))
  const left = spawnSync('pgrep', ['-P', String(zombie.pid)], { encoding: 'utf8' }).stdout.trim()
  const here = { host: hostname(), start: '' }
  const owners = [
    { ...here, pid: 999_999_999 },
    { ...here, pid: process.pid, start: '1' },
    ...(left ? [{ ...here, pid: Number(left) }] : []),
    { ...here, pid: 'many' },
    null,
    7,
  ]
  for (const owner of ['', 'nobody', ...owners.map((each) => JSON.stringify(each))]) {
    writeFileSync(join(path, 'lock'), owner)
    expect(isLocked(path), owner).toBe(false)
    expect(other(), owner).toContain('taken')
  }
  zombie.kill()

  // In a shared folder, another machine's lock is valid while it is refreshed.
  const file = join(path, 'lock')
  writeFileSync(file, JSON.stringify({ host: 'elsewhere', pid: 12, start: '3' }))
  expect(other()).toContain('is in use by process 12 on elsewhere')
  utimesSync(file, Date.now() / 1000, Date.now() / 1000 - 3600)
  expect(other()).toContain('taken')
})
