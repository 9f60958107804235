import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { openData } from '../src/index.ts'
import { balancedOrder } from '../src/order.ts'
import { blobs } from './blobs.ts'

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
