import * as tf from '@tensorflow/tfjs-core'
import { beforeEach, expect, test } from 'vitest'
import { type ImageSet, openRun, train, type TrainOptions } from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

const options = (data: TrainOptions['data'], more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: denseModel(),
  data,
  optimizer: tf.train.momentum(0.1, 0.9),
  epochs: 2,
  batchSize: 16,
  ...more,
})

beforeEach(async () => {
  await tf.setBackend('cpu')
})

test('a separate validation set is evaluated after each epoch, and all training images are used', async () => {
  const [set, other] = [blobs(120), blobs(33, 1)]
  const validated = await train(options({ train: set, validation: other }))
  const tested = await train(options({ train: set, test: other }, { validation: 0 }))
  expect(validated.steps).toBe(2 * Math.ceil(120 / 16))
  expect(validated.epochs).toHaveLength(2)
  expect(validated.epochs[1]!.validation).toEqual(tested.test)
  expect(validated.test).toBeUndefined()
  // Neither the batches nor the statistics include it.
  expect([validated.mean, validated.deviation]).toEqual([tested.mean, tested.deviation])
  const { data } = openRun(options({ train: set, validation: other }))
  expect(data.heldOut!.set).toBe(other)
  expect([...data.heldOut!.indices]).toEqual(other.labels.map((_, i) => i))
})

test('the result contains the logits of the validation images', async () => {
  const [set, other] = [blobs(120), blobs(33, 1)]
  const tested = await train(options({ train: set, test: other }, { validation: 0 }))
  expect(tested.validationLogits).toBeUndefined()
  const own = await train(options({ train: set, validation: other }))
  expect(own.validationLogits).toEqual(tested.testLogits)

  const split = await train(options({ train: set }, { validation: 20 }))
  const { heldOut } = openRun(options({ train: set }, { validation: 20 })).data
  expect(split.validationLogits).toHaveLength(20 * 3)
  expect(split.validation!.accuracy).toBeCloseTo(split.epochs.at(-1)!.validation!.accuracy, 6)
  const correct = [...heldOut!.indices].filter((index, i) => {
    const row = split.validationLogits!.subarray(i * 3, i * 3 + 3)
    return row.indexOf(Math.max(...row)) === set.labels[index]
  })
  expect(correct.length / 20).toBeCloseTo(split.epochs[1]!.validation!.accuracy, 6)

  const none = await train(options({ train: set }, { validation: 0 }))
  expect(none.validationLogits).toBeUndefined()
  const both = await train(options({ train: set, validation: other, test: other }))
  expect([both.validationLogits, both.testLogits]).toEqual([
    own.validationLogits,
    own.validationLogits,
  ])
})

test('rejects holding out images in addition to a validation set', async () => {
  const data = { train: blobs(120), validation: blobs(33, 1) }
  await expect(train(options(data, { validation: 12 }))).rejects.toThrow(
    'train: expected validation to be 0 or absent, as data.validation is given, got 12',
  )
  expect((await train(options(data, { validation: 0, epochs: 1 }))).epochs).toHaveLength(1)
})

test.each(['validation', 'test'] as const)('rejects a %s set that does not match', async (name) => {
  const set = blobs(32)
  const rejects = async (other: Partial<ImageSet>, message: string): Promise<void> => {
    const data = { train: set, [name]: { ...blobs(16, 1), ...other } }
    await expect(train(options(data))).rejects.toThrow(message)
  }
  await rejects({ images: new Uint8Array(), labels: [] }, `the ${name} set is empty`)
  const small = { height: 2, images: new Uint8Array(16 * 24) }
  await rejects(small, `train: the ${name} images' height is 2, the training images' 4`)
  await rejects(
    { classes: ['red', 'blue', 'green'] },
    `train: the ${name} set has other classes than the training set: ["red","blue","green"] and ["red","green","blue"]`,
  )
})

test('compares class names one by one, after Unicode normalisation', async () => {
  const sets = (training: string[], tested: string[]): TrainOptions['data'] => ({
    train: { ...blobs(32), classes: training },
    test: { ...blobs(16, 1), classes: tested },
  })
  await expect(
    train(options(sets(['a,b', 'c', 'd'], ['a', 'b,c', 'd']), { epochs: 1 })),
  ).rejects.toThrow('["a","b,c","d"] and ["a,b","c","d"]')
  const result = await train(
    options(sets(['caf\u00e9', 'b', 'c'], ['cafe\u0301', 'b', 'c']), { epochs: 1 }),
  )
  expect(result.stopped).toBe('finished')
})
