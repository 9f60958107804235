import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { binaryCrossEntropy } from '@tricks/binary-cross-entropy'
import { createRandom, during, type Trick } from '@tricks/core'
import { mixup } from '@tricks/mixup'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  batchOf,
  imagesAt,
  type ImageSet,
  meanAveragePrecision,
  openData,
  scoresOf,
  train,
  type TrainOptions,
  variablesOf,
} from '../src/index.ts'

beforeAll(() => tf.setBackend('cpu'))

/** Images whose labels are the channels that are bright: none to all three. */
function brightChannels(size: number, seed = 0): ImageSet & { readonly targets: Uint8Array } {
  const random = createRandom(seed)
  const targets = Uint8Array.from({ length: size * 3 }, () => random.integer(0, 2))
  return {
    images: Uint8Array.from({ length: size * 48 }, (_, i) => {
      const bright = targets[Math.floor(i / 48) * 3 + (i % 3)]!
      return random.integer(0, 120) + 100 * bright
    }),
    labels: Array.from({ length: size }, (_, i) =>
      Math.max(0, [0, 1, 2].find((label) => targets[3 * i + label]) ?? 0),
    ),
    targets,
    height: 4,
    width: 4,
    channels: 3,
    classes: ['red', 'green', 'blue'],
  }
}

const network = (): layers.LayersModel =>
  layers.sequential({
    layers: [
      layers.layers.flatten({ inputShape: [4, 4, 3] }),
      layers.layers.dense({
        units: 3,
        kernelInitializer: layers.initializers.glorotUniform({ seed: 5 }),
      }),
    ],
  })
const data = { train: brightChannels(240), test: brightChannels(90, 1) }
const options = (
  tricks: readonly Trick[] = [binaryCrossEntropy()],
  more: Partial<TrainOptions> = {},
): TrainOptions => ({
  model: network(),
  data,
  tricks,
  optimizer: tf.train.momentum(0.1, 0.9),
  epochs: 8,
  batchSize: 20,
  seed: 3,
  ...more,
})

describe('training', () => {
  test.each([
    ['binary cross-entropy', () => [binaryCrossEntropy()]],
    ['mixup', () => [mixup({ alpha: 0.2 }), during({}, binaryCrossEntropy())]],
  ])('learns all labels, with %s', async (_, tricks) => {
    const { test: metrics, testLogits, epochs } = await train(options(tricks()))
    const { targets } = data.test
    expect(metrics!.accuracy).toBeGreaterThan(0.95)
    expect(epochs.at(-1)!.validation!.accuracy).toBeGreaterThan(0.9)
    expect(meanAveragePrecision(targets, testLogits!, 3)).toBeGreaterThan(0.97)
    // The metrics, from the logits.
    const right = targets.filter((target, i) => testLogits![i]! > 0 === (target === 1))
    expect(metrics!.accuracy).toBeCloseTo(right.length / targets.length, 5)
    const losses = Array.from(targets, (target, i) => {
      const probability = 1 / (1 + Math.exp(-testLogits![i]!))
      return -Math.log(target === 1 ? probability : 1 - probability)
    })
    const loss = losses.reduce((sum, each) => sum + each, 0) / losses.length
    expect(metrics!.loss).toBeCloseTo(loss, 4)
  })

  test('training accuracy counts each label', async () => {
    // Without updates, a network of zeros predicts no label.
    const model = network()
    model.setWeights(model.getWeights().map((weight) => tf.zerosLike(weight)))
    const rate: Trick = { name: 'still', options: {}, learningRate: () => 0 }
    const still = options([binaryCrossEntropy(), rate], {
      model,
      optimizer: tf.train.sgd(0.1),
      epochs: 1,
      validation: 0,
    })
    const { epochs } = await train(still)
    const present = data.train.targets.reduce((sum, each) => sum + each, 0)
    expect(epochs[0]!.training.accuracy).toBeCloseTo(1 - present / data.train.targets.length, 5)
    expect(epochs[0]!.training.loss).toBeCloseTo(Math.LN2, 5)
  })

  test('resumes bit-equal, and not with other targets', async () => {
    const checkpoints: NonNullable<TrainOptions['resume']>[] = []
    const whole = options()
    const save = (saved: NonNullable<TrainOptions['resume']>) => void checkpoints.push(saved)
    await train({ ...whole, checkpoint: { save } })
    const again = options()
    await train({ ...again, resume: checkpoints[2]! })
    const values = ({ model }: TrainOptions): number[] =>
      Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])
    expect(values(again)).toEqual(values(whole))
    const targets = data.train.targets.slice()
    targets[7]! ^= 1
    const other = { ...data, train: { ...data.train, targets } }
    await expect(
      train(options(undefined, { data: other, resume: checkpoints[2]! })),
    ).rejects.toThrow('trainingLabels')
  })
})

test('batches have the rows of their images', () => {
  const open = openData({ train: data.train, validation: 24, batchSize: 16, epochs: 1, seed: 1 })
  const { targets, indices } = open.batch(2)
  const rows = Array.from(indices).flatMap((i) =>
    Array.from(data.train.targets.subarray(3 * i, 3 * i + 3)),
  )
  expect([...targets.dataSync()]).toEqual(rows)
  const some = imagesAt(data.train, [9, 4])
  const part = batchOf({ set: some, indices: Int32Array.of(1, 0) }, 0, 2)
  expect([...part.targets.dataSync()]).toEqual([
    ...data.train.targets.slice(12, 15),
    ...data.train.targets.slice(27, 30),
  ])
})

test('mixed targets count by their share', () => {
  const { accuracy } = scoresOf(data.train)
  const targets = tf.tensor2d([[0.7, 0, 1]])
  expect(accuracy(targets, tf.tensor2d([[1, -1, -1]])).dataSync()[0]).toBeCloseTo(1.7 / 3, 6)
})

describe('mean average precision', () => {
  test.each([
    ['the example', [1, 0, 0, 1, 1, 0], [2, -1, 1, 3, 0.5, -2], 2, (5 / 6 + 1) / 2],
    ['equal scores', [1, 0, 1, 0], [1, 1, 1, 1], 1, 0.5],
    ['a class without images', [1, 0, 0, 0], [1, 5, 2, 3], 2, 0.5],
    ['the worst order', [0, 0, 1], [3, 2, 1], 1, 1 / 3],
  ])('of %s', (_, targets, scores, classes, expected) => {
    expect(meanAveragePrecision(targets, scores, classes)).toBeCloseTo(expected, 12)
  })

  test('is the mean precision at the score of each image that has the label', () => {
    const random = createRandom(4)
    const targets = Array.from({ length: 200 }, () => random.integer(0, 2))
    // Few values, so that many are equal.
    const scores = targets.map((target) => random.integer(0, 8) + target)
    const precisions = scores.flatMap((score, i) => {
      if (targets[i] === 0) return []
      const above = targets.filter((_, k) => scores[k]! >= score)
      return [above.filter((target) => target === 1).length / above.length]
    })
    const mean = precisions.reduce((sum, each) => sum + each, 0) / precisions.length
    expect(meanAveragePrecision(targets, scores, 1)).toBeCloseTo(mean, 12)
  })

  test('rejects lists of mismatched lengths', () => {
    expect(() => meanAveragePrecision([1, 0], [1], 1)).toThrow(
      "meanAveragePrecision: expected number of scores to be of the targets' length, 2, in rows of 1, got 1",
    )
    expect(() => meanAveragePrecision([1, 0, 1], [1, 2, 3], 2)).toThrow('in rows of 2')
    expect(() => meanAveragePrecision([1], [1], 0)).toThrow('expected classes')
    expect(() => meanAveragePrecision([0, 0], [1, 2], 1)).toThrow(
      'expected targets to have a label',
    )
  })
})

test.each<[string, Partial<ImageSet>, string]>([
  ['too few', { targets: [1, 0] }, 'expected 720 targets of the training set, a row of 3 for each'],
  [
    'soft ones',
    { targets: Array<number>(720).fill(0.5) },
    "expected the training set's targets to be 0 or 1, got 0.5 at index 0",
  ],
  ['only in one set', { targets: undefined }, 'only the test set has targets'],
])('rejects targets: %s', async (_, change, message) => {
  const changed = { ...data, train: { ...data.train, ...change } }
  await expect(train(options(undefined, { data: changed }))).rejects.toThrow(`train: ${message}`)
})

test('a trick must set the loss', async () => {
  await expect(train(options([mixup()]))).rejects.toThrow(
    'train: expected a trick that sets the loss for several labels per image. Add binaryCrossEntropy()',
  )
})
