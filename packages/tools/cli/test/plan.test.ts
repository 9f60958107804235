import { expect, test } from 'vitest'
import {
  type Candidate,
  minutesToFineTune,
  networkFor,
  type PlanInputs,
  planOf,
} from '../src/pretrained/plan.ts'

const flowers: PlanInputs = {
  pictures: 720,
  tested: 240,
  imagesPerSecond: 70,
  size: 224,
  minutes: 3,
  given: {},
}

test.each<[string, Partial<PlanInputs>, Partial<ReturnType<typeof planOf>>]>([
  ['few pictures get fine-tuning', {}, { size: 224, views: 1, epochs: 4 }],
  ['without the time for it, all views', { minutes: 2 }, { size: 224, views: 4, epochs: 0 }],
  ['three views in a minute', { minutes: 1 }, { size: 224, views: 3, epochs: 0 }],
  ['smaller pictures in half a minute', { minutes: 0.5 }, { size: 192, views: 1, epochs: 0 }],
  ['with more time, more epochs and views', { minutes: 10 }, { views: 4, epochs: 10 }],
  ['many pictures are scaled down', { pictures: 12_000, tested: 0 }, { size: 192, views: 1 }],
  ['and each is used once', { pictures: 1e6, tested: 0 }, { size: 128, views: 1, epochs: 0 }],
  ['a slow machine uses smaller pictures', { imagesPerSecond: 10 }, { size: 224, views: 1 + 0 }],
  [
    "the user's choices are kept",
    { given: { size: 96, views: 7, epochs: 2 } },
    { size: 96, views: 7, epochs: 2 },
  ],
  ['accepts zero epochs', { minutes: 60, given: { epochs: 0 } }, { views: 4, epochs: 0 }],
])('%s', (_, inputs, expected) => {
  expect(planOf({ ...flowers, ...inputs })).toMatchObject(expected)
})

test('a plan takes as long as predicted, within the time limit if possible', () => {
  for (const minutes of [0.5, 1, 3, 10]) {
    const { seconds } = planOf({ ...flowers, minutes })
    expect(seconds).toBeLessThanOrEqual(minutes * 60)
  }
  // 960 images once, and 720 of them in four epochs of steps that cost three times as much.
  expect(planOf(flowers).seconds).toBeCloseTo((960 + 4 * 3 * 720) / 70, 6)
  expect(planOf({ ...flowers, pictures: 1e6 }).seconds).toBeGreaterThan(180)
})

test('the suggested minutes suffice for fine-tuning', () => {
  for (const imagesPerSecond of [5, 20, 45]) {
    const inputs = { ...flowers, imagesPerSecond }
    const minutes = minutesToFineTune(inputs)
    expect(planOf({ ...inputs, minutes }).epochs).toBeGreaterThanOrEqual(3)
    expect(planOf({ ...inputs, minutes: minutes - 1 }).epochs).toBe(0)
  }
})

test('the network is the first if it can be fine-tuned, or else the most accurate one that gets two views', () => {
  const candidates: [Candidate, ...Candidate[]] = [
    { name: 'efficientnet-lite0', size: 224, cost: 1 },
    { name: 'efficientnet-lite1', size: 240, cost: 1.5 },
    { name: 'efficientnet-lite2', size: 260, cost: 2 },
  ]
  const chosen = (more: Partial<PlanInputs>) => {
    const { name, inputs } = networkFor({ ...flowers, ...more }, candidates)
    return [name.at(-1), inputs.imagesPerSecond, inputs.size]
  }
  expect(chosen({})).toEqual(['0', 70, 224])
  expect(chosen({ minutes: 10 })).toEqual(['0', 70, 224])
  // Too little time for fine-tuning.
  expect(chosen({ minutes: 2 })).toEqual(['2', 35, 260])
  expect(chosen({ minutes: 0.8 })).toEqual(['0', 70, 224])
  expect(chosen({ given: { epochs: 0 } })).toEqual(['2', 35, 260])
  // None of them can process each picture once in time.
  expect(chosen({ pictures: 1e6 })).toEqual(['0', 70, 224])
})
