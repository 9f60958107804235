import { expect, test } from 'vitest'
import { minutesToFineTune, type PlanInputs, planOf } from '../src/pretrained/plan.ts'

const flowers: PlanInputs = {
  pictures: 720,
  tested: 240,
  imagesPerSecond: 45,
  size: 224,
  minutes: 3,
  given: {},
}

test.each<[string, Partial<PlanInputs>, Partial<ReturnType<typeof planOf>>]>([
  ['few pictures get all views', {}, { size: 224, views: 4, epochs: 0 }],
  ['fewer views in a minute', { minutes: 1 }, { size: 224, views: 2, epochs: 0 }],
  ['one view in half a minute', { minutes: 0.5 }, { size: 224, views: 1, epochs: 0 }],
  ['with more time, the network is fine-tuned', { minutes: 10 }, { views: 4, epochs: 10 }],
  ['but for at least three epochs', { minutes: 3.5 }, { views: 4, epochs: 0 }],
  ['many pictures are scaled down', { pictures: 12_000, tested: 0 }, { size: 160, views: 1 }],
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
  // 960 images once, 720 three times more.
  expect(planOf(flowers).seconds).toBeCloseTo((960 + 3 * 720) / 45, 6)
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
