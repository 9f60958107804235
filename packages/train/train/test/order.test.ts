import * as tf from '@tensorflow/tfjs-core'
import { createRandom, type Trick } from '@tricks/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { openData, train, type TrainOptions } from '../src/index.ts'
import { balancedOrder } from '../src/order.ts'
import { blobs, denseModel } from './blobs.ts'

beforeAll(() => tf.setBackend('cpu'))

const labels = [
  ...Array<number>(40).fill(0),
  ...Array<number>(5).fill(1),
  ...Array<number>(15).fill(4),
]

describe('a balanced order', () => {
  const order = [...balancedOrder(labels, createRandom(3))]

  test('is balanced across classes, in every part of it', () => {
    expect(order).toHaveLength(60)
    for (const part of [order, order.slice(0, 30), order.slice(30)])
      for (const label of [0, 1, 4])
        expect(part.filter((i) => labels[i] === label)).toHaveLength(part.length / 3)
  })

  test('shows all images of a class before it shows one again', () => {
    const rare = order.filter((i) => labels[i] === 1)
    for (let from = 0; from < 20; from += 5)
      expect(new Set(rare.slice(from, from + 5)).size).toBe(5)
    expect(new Set(order.filter((i) => labels[i] === 0)).size).toBe(20)
  })

  test('differs between epochs, and is equal for equal seeds', () => {
    const set = blobs(30)
    const uneven = { ...set, labels: set.labels.map((label, i) => (i > 5 ? 0 : label)) }
    const options = { train: uneven, validation: 0, batchSize: 30, epochs: 2, balanced: true }
    const epoch = (seed: number, step: number): number[] => [
      ...openData({ ...options, seed })
        .batch(step)
        .images.dataSync(),
    ]
    expect(epoch(1, 0)).toEqual(epoch(1, 0))
    expect(epoch(1, 0)).not.toEqual(epoch(1, 1))
    expect(epoch(1, 0)).not.toEqual(epoch(2, 0))
    const { targets } = openData({ ...options, seed: 1 }).batch(0)
    expect([...tf.sum(targets, 0).dataSync()]).toEqual([10, 10, 10])
  })
})

describe('the indices of a batch', () => {
  const set = blobs(31)

  test('are those of its images in the set', () => {
    for (const balanced of [false, true]) {
      const data = openData({
        train: set,
        validation: 6,
        batchSize: 8,
        epochs: 2,
        seed: 4,
        balanced,
      })
      for (let step = 0; step < data.time(0).steps; step++) {
        const { images, indices } = data.batch(step)
        const pixels = images.dataSync()
        indices.forEach((index, i) =>
          expect(
            Array.from(pixels.slice(i * 48, (i + 1) * 48), (p) => Math.round(p * 255)),
          ).toEqual([...set.images.subarray(index * 48, (index + 1) * 48)]),
        )
      }
    }
  })

  test('reach the draws of a run, including a resumed one', async () => {
    const seen: number[][] = []
    const spy: Trick = {
      name: 'spy',
      options: {},
      images: {
        draw: (_, { indices }, { step }) => void (seen[step] = Array.from(indices!)),
        apply: (images) => images,
      },
    }
    const options = (): TrainOptions => ({
      model: denseModel(),
      data: { train: set },
      tricks: [spy],
      optimizer: tf.train.sgd(0.1),
      epochs: 2,
      batchSize: 8,
      validation: 6,
      seed: 4,
    })
    let half: Parameters<NonNullable<TrainOptions['checkpoint']>['save']>[0] | undefined
    await train({
      ...options(),
      checkpoint: { every: { steps: 5 }, save: (made) => void (half ??= made) },
    })
    const whole = [...seen]
    expect(whole).toHaveLength(8)
    const sorted = (indices: number[]): number[] => indices.toSorted((a, b) => a - b)
    const epoch = sorted(whole.slice(0, 4).flat())
    expect(epoch).toHaveLength(25)
    expect(new Set(epoch).size).toBe(25)
    expect(sorted(whole.slice(4).flat())).toEqual(epoch)

    seen.length = 0
    await train({ ...options(), resume: half! })
    expect(seen.slice(half!.step)).toEqual(whole.slice(half!.step))
  })
})

describe('repeated augmentation', () => {
  const set = blobs(31)
  const options = { train: set, validation: 6, batchSize: 8, epochs: 2, seed: 4 }
  const indicesOf = (data: ReturnType<typeof openData>, epoch: number): number[] =>
    [0, 1, 2, 3].flatMap((step) => [...data.batch(4 * epoch + step).indices])

  // timm: torch.repeat_interleave(order, repeats)[:size], on one device.
  test.each([1, 2, 3, 40])(
    '%d copies follow each other, in the order without copies',
    (repeats) => {
      for (const balanced of [false, true]) {
        const plain = indicesOf(openData({ ...options, balanced }), 1)
        const data = openData({ ...options, balanced, repeats })
        expect(data.stepsPerEpoch).toBe(4)
        const expected = plain.flatMap((index) => Array<number>(repeats).fill(index)).slice(0, 25)
        expect(indicesOf(data, 1)).toEqual(expected)
        if (repeats < 25) expect(indicesOf(data, 0)).not.toEqual(indicesOf(data, 1))
      }
    },
  )

  test('copies are augmented separately', async () => {
    const drawn: [number, number][] = []
    const spy: Trick = {
      name: 'spy',
      options: {},
      images: {
        draw: (random, { batch, indices }) =>
          random
            .images(batch, (image) => image.uniform())
            .forEach((value, i) => drawn.push([indices![i]!, value])),
        apply: (images) => images,
      },
    }
    await train({
      model: denseModel(),
      data: { train: set },
      tricks: [spy],
      optimizer: tf.train.sgd(0.1),
      epochs: 1,
      batchSize: 8,
      validation: 6,
      seed: 4,
      repeats: 2,
    })
    expect(drawn).toHaveLength(25)
    expect(drawn[0]![0]).toBe(drawn[1]![0])
    expect(new Set(drawn.map(([, value]) => value)).size).toBe(25)
  })

  test.each([0, 1.5, -1, '2'])('%s copies are rejected', (repeats) => {
    expect(() => openData({ ...options, repeats: repeats as number })).toThrow(
      `openData: expected repeats to be a positive integer, got ${repeats}`,
    )
  })
})
