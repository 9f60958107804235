import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { plain } from '@tricks/models'
import { randomFlip } from '@tricks/random-flip'
import { type ImageSet, train, variablesOf } from '@tricks/train'
import { beforeAll, expect, test } from 'vitest'
import { findRate, type RateFinderOptions } from '../src/index.ts'
import { smooth, suggestedRate } from '../src/suggest.ts'

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

test('the suggested rate trains well, and the model is unchanged', async () => {
  const model = network()
  const weights = () => Object.values(variablesOf(model)).map((each) => [...each.dataSync()])
  const before = weights()
  const given = options({ model })
  const tensors = tf.memory().numTensors
  const { rate, points } = await findRate(given)
  // tfjs's momentum optimizer leaks a scalar when it is disposed.
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

test('rates grow exponentially over the given number of steps, across epochs', async () => {
  const { points, diverged } = await findRate(options({ from: 1e-4, to: 1e-2 }))
  expect(diverged).toBe(false)
  expect(points).toHaveLength(60)
  points.forEach(({ rate }, i) => expect(rate).toBeCloseTo(1e-4 * 100 ** (i / 59), 10))
})

test('ends early if the loss diverges, or becomes NaN', async () => {
  const { points, diverged, rate } = await findRate(options({ from: 1e-4, to: 1e6 }))
  expect(diverged).toBe(true)
  expect(points.length).toBeLessThan(60)
  expect(rate).toBeLessThan(points.at(-1)!.rate / 2)
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

test('suggests the highest rate before the loss has lost a third of its fall', () => {
  // From 2 to 0.5: the limit is 1.
  const losses = [2, 2, 2, 1.5, 1, 0.5, 0.7, 0.9, 1.1, 3]
  expect(suggestedRate(curve(losses), 10)).toBeCloseTo(10 ** 0.7, 10)
  expect(suggestedRate(curve(losses.slice(0, 7)), 10)).toBeCloseTo(10 ** 0.6, 10)
})

test('a network that has learned everything by then does not raise the suggestion', () => {
  const losses = [2, 2, 2, 1.5, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  expect(suggestedRate(curve(losses), 20)).toBeCloseTo(4 * 10 ** 0.6, 10)
})

test('a later recovery of the loss does not raise the suggestion', () => {
  const losses = [2, 2, 2, 1.5, 1, 0.5, 0.7, 3, 0.6, 0.6]
  expect(suggestedRate(curve(losses), 10)).toBeCloseTo(10 ** 0.6, 10)
})

test('smoothing does not lag, and keeps a constant', () => {
  const valley = Array.from({ length: 41 }, (_, i) => Math.abs(i - 20))
  const smoothed = smooth(valley, 2)
  expect(smoothed.indexOf(Math.min(...smoothed))).toBe(20)
  // The mean of |x| over a Gaussian is σ √(2 / π), up to the steps' width.
  expect(smoothed[20]).toBeCloseTo(2 * Math.sqrt(2 / Math.PI), 1)
  for (const value of smooth(Array(10).fill(3), 2)) expect(value).toBeCloseTo(3, 10)
})

test('if no rate lowers the loss, the error suggests what to try', () => {
  const rising = Array.from({ length: 40 }, (_, i) => 1 + i)
  expect(() => suggestedRate(curve(rising), 40)).toThrow(
    "the loss doesn't fall between rates of 1 and 7900",
  )
  expect(() => suggestedRate(curve([1, 2, 3]), 40)).toThrow(
    'the loss diverged after 3 steps, at a rate of 1.6. Pass a lower from than 1.',
  )
})
