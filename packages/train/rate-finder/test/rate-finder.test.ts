import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { plain } from '@tricks/models'
import { randomFlip } from '@tricks/random-flip'
import { type ImageSet, train, variablesOf } from '@tricks/train'
import { beforeAll, expect, test } from 'vitest'
import { findRate, type RateFinderOptions } from '../src/index.ts'
import { suggestedRate } from '../src/suggest.ts'

beforeAll(() => tf.setBackend('cpu'))

const random = createRandom(5)
/** Two classes that differ in brightness. */
const set = (count: number): ImageSet => {
  const labels = Array.from({ length: count }, (_, i) => i % 2)
  const images = labels.flatMap((label) =>
    Array.from({ length: 6 * 6 * 3 }, () => random.integer(0, 160) + 60 * label),
  )
  return {
    images: Uint8Array.from(images),
    labels,
    height: 6,
    width: 6,
    channels: 3,
    classes: ['dark', 'bright'],
  }
}
const images = set(120)
const network = () => plain({ widths: [[8]], inputShape: [6, 6, 3], classes: 2, seed: 1 })
const options = (more: Partial<RateFinderOptions> = {}): RateFinderOptions => ({
  model: network(),
  data: { train: images },
  optimizer: () => tf.train.momentum(0.1, 0.9),
  batchSize: 16,
  steps: 60,
  ...more,
})

test('the suggested rate trains well, and the model is as before', async () => {
  const model = network()
  const weights = () => Object.values(variablesOf(model)).map((each) => [...each.dataSync()])
  const before = weights()
  const given = options({ model })
  const tensors = tf.memory().numTensors
  const { rate, points } = await findRate(given)
  // tfjs's momentum optimizer leaves a scalar behind when it is disposed.
  expect(tf.memory().numTensors).toBe(tensors + 1)
  expect(weights()).toEqual(before)
  expect(points.length).toBeGreaterThan(30)

  const optimizer = tf.train.momentum(rate, 0.9)
  const { test: tested } = await train({
    model,
    data: { train: images, test: set(60) },
    optimizer,
    epochs: 3,
    batchSize: 16,
    validation: 0,
  })
  expect(tested!.accuracy).toBeGreaterThan(0.9)
})

test('rates grow exponentially over as many steps as requested, over several epochs', async () => {
  const { points, diverged } = await findRate(options({ from: 1e-4, to: 1e-2 }))
  expect(diverged).toBe(false)
  expect(points).toHaveLength(60)
  points.forEach(({ rate }, i) => expect(rate).toBeCloseTo(1e-4 * 100 ** (i / 59), 10))
})

test('ends early if the loss diverges, or becomes NaN', async () => {
  const { points, diverged, rate } = await findRate(options({ from: 1e-4, to: 1e6 }))
  expect(diverged).toBe(true)
  expect(points.length).toBeLessThan(60)
  expect(rate).toBeLessThan(points.at(-1)!.rate / 3)
})

test('the same seed gives the same result, and schedules have no effect', async () => {
  const halved = { name: 'halved', options: {}, learningRate: (by: number) => by / 2 }
  const [one, other] = [
    await findRate(options({ tricks: [randomFlip()], seed: 3 })),
    await findRate(options({ tricks: [randomFlip(), halved], seed: 3 })),
  ]
  expect(other).toEqual(one)
  expect(await findRate(options({ tricks: [randomFlip()], seed: 4 }))).not.toEqual(one)
})

test('can be aborted', async () => {
  await expect(findRate(options({ signal: AbortSignal.abort() }))).rejects.toThrow('abort')
})

test.each([
  [{ steps: 5 }, 'rate-finder: expected steps to be an integer of at least 20, got 5'],
  [{ from: 0 }, 'rate-finder: expected from to be'],
  [{ from: 1, to: 0.5 }, 'rate-finder: expected to to be above from (1), got 0.5'],
])('rejects %j', async (wrong, message) => {
  await expect(findRate(options(wrong))).rejects.toThrow(message)
})

const curve = (losses: number[]) => losses.map((loss, i) => ({ rate: 10 ** (i / 10), loss }))

test('suggests the middle of the longest fall', () => {
  const flat = Array.from({ length: 40 }, () => 2)
  const fall = Array.from({ length: 30 }, (_, i) => 2 - (i + 1) / 20)
  const rise = Array.from({ length: 30 }, (_, i) => 0.5 + (i + 1) / 10)
  const points = curve([...flat, ...fall, ...rise])
  // Falls from step 40 to 69.
  const step = 10 * Math.log10(suggestedRate(points, true))
  expect(step).toBeGreaterThan(50)
  expect(step).toBeLessThan(58)
})

test('without a fall, it says what to try', () => {
  const rising = Array.from({ length: 40 }, (_, i) => 1 + i)
  expect(() => suggestedRate(curve(rising), true)).toThrow('never falls between rates of 1 and')
  expect(() => suggestedRate(curve(rising), false)).toThrow('Pass a higher to')
  expect(() => suggestedRate(curve([1, 2, 3]), true)).toThrow(
    'the loss diverged after 3 steps, at a rate of 1.6. Pass a lower from than 1.',
  )
})
