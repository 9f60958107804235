import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  expectFrequencies,
  expectIndependent,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { expect, test } from 'vitest'
import { applyCutmix, type Box, cutmix, cutmixBatch, type CutmixParams } from '../src/index.ts'
import fixture from './fixtures/cutmix.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)('matches the formula: $params.box', ({ inputs, params, expected }) => {
    const batch = {
      images: fromFixture(inputs.images) as tf.Tensor4D,
      targets: fromFixture(inputs.labels) as tf.Tensor2D,
    }
    const before = tf.memory().numTensors
    const { images, targets } = applyCutmix(batch, params as unknown as CutmixParams)
    expect(tf.memory().numTensors - before).toBe(2)
    expectClose(images, expected.images, { absolute: 0, relative: 0 })
    expectClose(targets, expected.labels)
  })

  test.each<[Box, number[], number[]]>([
    [
      [0, 0, 0, 0],
      [1, 1, 1, 1, 1, 1],
      [1, 0],
    ],
    [
      [1, 3, 1, 0],
      [1, 1, 1, 1, 1, 1],
      [1, 0],
    ],
    [
      [0, 0, 2, 3],
      [2, 2, 2, 2, 2, 2],
      [0, 1],
    ],
    [
      [1, 1, 1, 2],
      [1, 1, 1, 1, 2, 2],
      [2 / 3, 1 / 3],
    ],
  ])('a box %j, possibly empty or the whole image', (box, pixels, shares) => {
    const images = tf.tensor4d(
      [...Array<number>(6).fill(1), ...Array<number>(6).fill(2)],
      [2, 2, 3, 1],
    )
    const mixed = applyCutmix({ images, targets: tf.eye(2) }, { box, permutation: [1, 0] })
    expectClose(tf.slice(mixed.images, 0, 1), pixels, { absolute: 0, relative: 0 })
    expectClose(tf.slice(mixed.targets, 0, 1), shares)
  })
})

asInPipeline(cutmix, cutmixBatch)

test('describes its draws', () => {
  expect(cutmix().mix!.describe!({ box: [1, 2, 3, 4], permutation: [0] }, 0)).toBe('3 × 4 at 1, 2')
})

test('rejects params that do not fit the batch', () => {
  const batch = {
    images: tf.zeros<tf.Rank.R4>([2, 4, 5, 1]),
    targets: tf.zeros<tf.Rank.R2>([2, 3]),
  }
  const permutation = [1, 0]
  for (const box of [
    [0, 0, 5, 1],
    [0, 0, 1, 6],
    [-1, 0, 1, 1],
    [0.5, 0, 1, 1],
    [3, 0, 2, 1],
    [0, 0, 1],
    ['0', 0, 1, 1],
    null,
    undefined,
  ])
    expect(() => applyCutmix(batch, { box: box as unknown as Box, permutation })).toThrow(
      'cutmix: expected box to be [row, column, height, width] inside 4 × 5, got',
    )
  for (const wrong of [[0], [0, 2], [0, 0.5], [-1, 0], ['1', '0'], null])
    expect(() => applyCutmix(batch, { box: [0, 0, 1, 1], permutation: wrong as number[] })).toThrow(
      'cutmix: expected permutation to be 2 indices in [0, 2)',
    )
  expect(() =>
    applyCutmix({ ...batch, targets: tf.zeros([1, 3]) }, { box: [0, 0, 1, 1], permutation }),
  ).toThrow('cutmix: expected targets to be 2 rows, one per image, got [1,3]')
})

/**
 * Distribution of a side's start and length by the authors' formula: relative length √u with uniform u, as alpha is 1.
 */
function sides(size: number): { starts: Record<string, number>; lengths: Record<string, number> } {
  const [starts, lengths]: Record<string, number>[] = [{}, {}]
  for (let cut = 0; cut < size; cut++)
    for (let center = 0; center < size; center++) {
      const chance = (((cut + 1) / size) ** 2 - (cut / size) ** 2) / size
      const start = Math.max(0, center - Math.floor(cut / 2))
      const length = Math.min(size, center + Math.floor(cut / 2)) - start
      starts![start] = (starts![start] ?? 0) + chance
      lengths![length] = (lengths![length] ?? 0) + chance
    }
  return { starts: starts!, lengths: lengths! }
}
const [down, across] = [sides(32), sides(24)]
/** Pairs of a batch of eight, all equally likely. */
const pairs = Object.fromEntries(
  Array.from({ length: 64 }, (_, i) => [Math.floor(i / 8), i % 8] as const)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => [`${a} ${b}`, 1 / 56]),
)
const boxOf =
  (change: (box: Box) => readonly number[]) =>
  ({ box, permutation }: CutmixParams): CutmixParams => ({
    box: change(box) as unknown as Box,
    permutation,
  })
conformance(() => cutmix(), {
  distribution(draws: readonly CutmixParams[]) {
    const at = (index: number): number[] => draws.map(({ box }) => box[index]!)
    expectFrequencies({ rows: at(0) }, down.starts)
    expectFrequencies({ columns: at(1) }, across.starts)
    expectFrequencies({ heights: at(2) }, down.lengths)
    expectFrequencies({ widths: at(3) }, across.lengths)
    const partners = draws.map(({ permutation }) => Array.from(permutation))
    expectFrequencies({ pairs: partners.map(([a, b]) => `${a} ${b}`) }, pairs)
    for (const permutation of partners) expect(new Set(permutation).size).toBe(8)
    expectIndependent({ rows: at(0), partners: partners.map(([first]) => first!) })
  },
  shifted: {
    'one pixel down': boxOf(([row, ...others]) => [Math.min(31, row + 1), ...others]),
    'a pixel wider': boxOf(([row, column, rows, columns]) => [row, column, rows, columns + 1]),
    'each with itself': ({ box, permutation }: CutmixParams) => ({
      box,
      permutation: Array.from(permutation, (_, i) => i),
    }),
  },
  invalid: [
    () => cutmix({ alpha: 0 }),
    () => cutmix({ alpha: NaN }),
    () => cutmix({ alpha: '1' as never }),
    () => cutmix({ beta: 1 } as never),
  ],
})
