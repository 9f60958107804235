import { expect, describe, test } from 'vitest'
import { estimate, imagesOf, pageOf, type Result, summarize } from '../src/index.ts'

test('training and measuring images are stratified and disjoint', () => {
  const labels = Array.from({ length: 400 }, (_, i) => i % 4)
  const images = Uint8Array.from({ length: 800 }, (_, i) => Math.floor(i / 2) % 251)
  const set = { images, labels, height: 1, width: 1, channels: 2, classes: ['a', 'b', 'c', 'd'] }
  const { train, measured } = imagesOf(set, { train: 88, measured: 100 })
  for (const [part, size] of [
    [train, 22],
    [measured, 25],
  ] as const)
    for (let c = 0; c < 4; c++)
      expect(Array.from(part.labels).filter((label) => label === c)).toHaveLength(size)
  const contents = ({ images: pixels, labels: of }: typeof train): string[] =>
    Array.from(of, (label, i) => `${label} ${pixels.subarray(2 * i, 2 * i + 2).join(' ')}`)
  const seen = new Set(contents(train))
  // Pixels repeat after 251 images and labels after 4, so duplicates would be a thousand images apart.
  expect(contents(measured).filter((content) => seen.has(content))).toEqual([])
})

describe('the summary', () => {
  const result = (arm: string, seed: number, accuracy: number, on = 'a machine'): Result => ({
    arm,
    seed,
    accuracy,
    loss: 1 - accuracy,
    calibrationError: accuracy / 10,
    steps: 10,
    training: { loss: 0, accuracy: 1 },
    wallClock: { cpuSeconds: arm === 'mirroring' ? 30 : 20 },
    on,
  })
  const comparison = {
    name: 'mirroring',
    kind: 'added',
    with: { key: 'mirroring', spec: null },
    without: { key: 'l2 + batch-norm', spec: null },
  } as const
  const without = comparison.without.key

  test("intervals are Student's t, of paired differences", () => {
    // The differences are 0.01, 0.03 and 0.02: mean 0.02, deviation 0.01; t(0.975, 2) = 4.302653.
    const [summary] = summarize(
      [
        ...[0.51, 0.63, 0.42].map((accuracy, seed) => result('mirroring', seed, accuracy)),
        ...[0.5, 0.6, 0.4].map((accuracy, seed) => result(without, seed, accuracy)),
        result('mirroring', 3, 0.9),
      ],
      [comparison],
    )
    expect(summary).toMatchObject({ name: 'mirroring', n: 3, cost: 1.5 })
    expect(summary!.effect.mean).toBeCloseTo(0.02, 10)
    expect(summary!.effect.deviation).toBeCloseTo(0.01, 10)
    expect(summary!.effect.interval).toBeCloseTo((4.302653 * 0.01) / Math.sqrt(3), 7)
    expect(summary!.calibration.mean).toBeCloseTo(0.002, 10)
    const page = { title: 'Mirroring', about: [], again: '' }
    expect(pageOf(page, { summaries: [summary!], machines: ['a machine'] })).toContain(
      '| mirroring | 50.00 ± 10.00 | 52.00 ± 10.54 | +2.00 ± 2.48 | +0.2 | ×1.50 | 3 |',
    )
  })

  test('a pair comes from one machine', () => {
    const runs = [
      result('mirroring', 0, 0.9),
      result(without, 0, 0.1, 'another'),
      result('mirroring', 1, 0.7, 'another'),
      result('mirroring', 1, 0.9),
      result(without, 1, 0.6, 'another'),
    ]
    const [summary] = summarize(runs, [comparison])
    expect(summary).toMatchObject({ n: 1, with: { mean: 0.7 }, without: { mean: 0.6 } })
    // Later runs from the other machine don't replace the pair.
    expect(summarize([...runs, result(without, 1, 0.1)], [comparison])[0]).toEqual(summary)
  })

  test('a single pair has no interval; a comparison without pairs has no row', () => {
    expect(estimate([0.25])).toMatchObject({ mean: 0.25, interval: NaN })
    expect(summarize([result('mirroring', 0, 0.5)], [comparison])).toEqual([])
  })
})

test('classes keep their proportions; a class that is too small is rejected', () => {
  const labels = Array.from({ length: 100 }, (_, i) => (i < 80 ? 0 : i < 98 ? 1 : 2))
  const set = {
    images: new Uint8Array(100),
    labels,
    height: 1,
    width: 1,
    channels: 1,
    classes: ['a', 'b', 'c'],
  }
  expect(() => imagesOf(set, { train: 60, measured: 20 })).toThrow("'c' would have none")
  expect(() => imagesOf(set, { train: 90, measured: 20 })).toThrow(
    'expected at most 100 images in total',
  )
  const { train, measured } = imagesOf(
    { ...set, labels: labels.map((c) => Math.min(c, 1)), classes: ['a', 'b'] },
    { train: 50, measured: 20 },
  )
  expect(
    [train, measured].map((part) => Array.from(part.labels).filter((c) => c === 1).length),
  ).toEqual([10, 4])
})
