// A network with pretrained weights: its last layer is fitted to features, then it is fine-tuned. Stopped anywhere and
// resumed, it ends with the same weights, bit for bit.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { createRandom, oneHot, softmaxCrossEntropy } from '@tricks/core'
import { foldBatchNorm, plain } from '@tricks/models'
import { randomFlip } from '@tricks/random-flip'
import { fitTemperature } from '@tricks/temperature-calibration'
import type { ImageSet } from '@tricks/train'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  defineRecipe,
  loadModel,
  type ProgressView,
  progressView,
  type Recipe,
  run,
  type RunOptions,
} from '../src/index.ts'

let root: string
const folderOf = (name: string): string => join(root, name, 'run')
beforeAll(() => tf.setBackend('cpu'))
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'head-'))))
afterEach(() => rmSync(root, { recursive: true }))

/** Images of two classes, one with a bright middle. */
function images(count: number, seed: number): ImageSet {
  const random = createRandom(seed)
  const labels = Array.from({ length: count }, (_, i) => i % 2)
  const pixels = labels.flatMap((label) =>
    Array.from({ length: 8 * 8 * 3 }, (_, i) => {
      const [row, column] = [Math.floor(i / 24), Math.floor(i / 3) % 8]
      const middle = Math.min(row, column) > 1 && Math.max(row, column) < 6
      return random.integer(0, 150) + (middle ? 90 * label : 0)
    }),
  )
  const classes = ['plain', 'bright']
  return { images: Uint8Array.from(pixels), labels, height: 8, width: 8, channels: 3, classes }
}

const data = { name: 'squares', train: images(80, 1), test: images(40, 2) }
const recipe: Recipe = defineRecipe({
  model: async ({ data: { height, width, channels, classes } }) =>
    foldBatchNorm(
      plain({ widths: [[8], [12]], seed: 1, inputShape: [height, width, channels], classes }),
    ),
  normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
  head: { passes: [[], [randomFlip({ probability: 1 })], [randomFlip()]] },
  optimizer: () => tf.train.momentum(0.01, 0.9, true),
  tricks: [randomFlip()],
  epochs: 3,
  batchSize: 16,
  validation: 0.25,
})
const quiet = progressView({ mode: 'quiet' })

const options = (name: string, more: Partial<RunOptions> = {}): RunOptions => ({
  recipe,
  data,
  // In a separate parent folder, as a run copies features from its neighbours.
  folder: folderOf(name),
  view: quiet,
  ...more,
})
const weightsIn = (name: string): Buffer => readFileSync(join(folderOf(name), 'model/weights.bin'))
const factsIn = (name: string): { readonly [fact: string]: never } =>
  JSON.parse(readFileSync(join(folderOf(name), 'run.json'), 'utf8')) as never

/** Aborts in the n-th status line, or after the n-th step. */
function abortingAt(what: 'status' | 'show', n: number): Pick<RunOptions, 'signal' | 'view'> {
  const control = new AbortController()
  let count = 0
  const hook = (): void => void (++count === n && control.abort())
  return { signal: control.signal, view: { ...quiet, [what]: hook } }
}

test('the last layer alone is fitted to features, recorded, and useful', async () => {
  const result = await run(options('one', { epochs: 0 }))
  expect(result).toMatchObject({ stopped: 'finished', steps: 0 })
  expect(result.test!.accuracy).toBeGreaterThan(0.8)
  const { head, classCounts, state } = factsIn('one')
  expect(state).toBe('finished')
  expect(classCounts).toEqual([40, 40])
  expect(head).toMatchObject({ features: 12, passes: 3, refitted: true })
  // The normalisation is the recipe's.
  expect(factsIn('one')).toMatchObject({ mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] })
  await run(options('two', { epochs: 0 }))
  expect(weightsIn('two').equals(weightsIn('one'))).toBe(true)
})

test('aborted while computing features, it reports that, and resumes to the same weights', async () => {
  await run(options('whole'))
  for (const status of [1, 4, 8]) {
    const name = `stopped ${status}`
    const stopped = await run(options(name, abortingAt('status', status)))
    expect(stopped).toMatchObject({ stopped: 'aborted', steps: 0 })
    expect(factsIn(name).state).toBe('aborted')
    await run(options(name, { resume: true }))
    expect(weightsIn(name).equals(weightsIn('whole'))).toBe(true)
    expect(factsIn(name)['head']).toEqual(factsIn('whole')['head'])
  }
})

test('aborted while fine-tuning, it resumes to the same weights', async () => {
  const whole = await run(options('whole'))
  expect(whole.steps).toBe(12)
  for (const report of [1, 2]) {
    const name = `stopped ${report}`
    const stopped = await run(options(name, { saveEvery: 1, ...abortingAt('show', report) }))
    expect(stopped.stopped).toBe('aborted')
    expect(stopped.steps).toBeGreaterThan(0)
    await run(options(name, { resume: true }))
    expect(weightsIn(name).equals(weightsIn('whole'))).toBe(true)
    expect(factsIn(name)['head']).toEqual(factsIn('whole')['head'])
  }
})

test('features in a damaged file are computed again', async () => {
  await run(options('whole', { epochs: 0 }))
  const before = weightsIn('whole')
  const folder = join(folderOf('whole'), 'features')
  for (const [i, name] of readdirSync(folder).entries()) {
    const bytes = readFileSync(join(folder, name))
    if (i % 2 === 0) bytes[40]! ^= 1
    writeFileSync(join(folder, name), i % 2 === 0 ? bytes : bytes.subarray(0, bytes.length - 4))
  }
  await run(options('whole', { epochs: 0, resume: true }))
  expect(weightsIn('whole').equals(before)).toBe(true)
})

test('a run next to one with the same features copies them', async () => {
  const said: string[] = []
  const statuses: string[] = []
  const view: ProgressView = {
    ...quiet,
    say: (line) => void said.push(line),
    status: (line) => void statuses.push(line),
  }
  const beside = (name: string): RunOptions => ({
    ...options('beside', { epochs: 0, view }),
    folder: join(root, 'beside', name),
  })
  await run(beside('first'))
  const features = (): string => said.findLast((line) => line.startsWith('Features'))!
  expect(features()).not.toContain('earlier')
  const before = statuses.length
  await run(beside('second'))
  expect(features()).toContain('from an earlier run')
  // Each block is read at once, without a status per batch.
  expect(statuses.length - before).toBeLessThan(before)
  const of = (name: string, file: string): Buffer => readFileSync(join(root, 'beside', name, file))
  expect(of('second', 'model/weights.bin').equals(of('first', 'model/weights.bin'))).toBe(true)
  const names = readdirSync(join(root, 'beside/second/features'))
  expect(names).toEqual(readdirSync(join(root, 'beside/first/features')))
  // Of other images, nothing is reused.
  const others = { ...data, train: images(80, 3) }
  await run({ ...beside('third'), data: others })
  expect(features()).not.toContain('earlier')
})

test('fine-tuning that lowers the accuracy is undone', async () => {
  const destroying = { ...recipe, optimizer: () => tf.train.momentum(30, 0.9) }
  await run(options('kept', { recipe: destroying }))
  const { head, test: tested } = factsIn('kept') as never as Record<string, { accuracy: number }>
  expect(head!).toMatchObject({ validation: { accuracy: expect.any(Number) as number } })
  expect(tested!.accuracy).toBeGreaterThan(0.8)
})

test('with balance, small classes have the same weight as large ones', async () => {
  const labels = Array.from({ length: 80 }, (_, i) => (i < 72 ? 0 : i % 2))
  const train = { ...data.train, labels }
  const uneven = { name: 'uneven', train, test: data.test }
  const recall = async (name: string, balance: boolean): Promise<number> => {
    const { testLogits } = await run(options(name, { data: uneven, epochs: 0, balance }))
    const bright = Array.from({ length: 20 }, (_, i) => 2 * i + 1)
    return bright.filter((i) => testLogits![2 * i + 1]! > testLogits![2 * i]!).length
  }
  expect(await recall('balanced', true)).toBeGreaterThan(await recall('plain', false))
})

test('a recipe without a head needs epochs', () => {
  const { head: _, ...without } = recipe
  expect(() => defineRecipe({ ...without, epochs: 0 })).toThrow(
    'recipe: expected epochs to be a positive integer, or 0 with a head, got 0',
  )
})

test('after fine-tuning, confidence is calibrated on the validation images, in the saved model too', async () => {
  const validation = images(40, 3)
  const result = await run(options('tuned', { data: { ...data, validation } }))
  const { temperature, test: tested } = factsIn('tuned') as never as {
    temperature: number
    test: { loss: number }
  }
  expect(Math.abs(Math.log(temperature))).toBeGreaterThan(0.05)
  expect(tested.loss).toBe(result.test!.loss)
  // Nothing is left to calibrate.
  const { labels } = validation
  expect(fitTemperature({ logits: result.validationLogits!, labels })).toBeCloseTo(1, 5)

  const { model } = await loadModel(folderOf('tuned'))
  const pixels = tf.div(tf.tensor4d(data.test.images as Uint8Array, [40, 8, 8, 3], 'float32'), 255)
  const logits = model.predict(pixels) as tf.Tensor2D
  logits.dataSync().forEach((logit, i) => expect(logit).toBeCloseTo(result.testLogits![i]!, 4))
  expect(softmaxCrossEntropy(oneHot(data.test.labels, 2), logits).dataSync()[0]).toBeCloseTo(
    tested.loss,
    4,
  )
})
