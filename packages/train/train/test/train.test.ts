import * as tf from '@tensorflow/tfjs-core'
import { beforeEach, describe, expect, test } from 'vitest'
import { createRandom, type Trick } from '@tricks/core'
import {
  openData,
  type Progress,
  train,
  training,
  type TrainOptions,
  variablesOf,
} from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: denseModel(),
  data: { train: blobs(120), test: blobs(40, 1) },
  optimizer: tf.train.momentum(0.1, 0.9),
  epochs: 2,
  batchSize: 16,
  ...more,
})

async function weightsAfter(seed: number): Promise<number[]> {
  const model = denseModel()
  await train(options({ model, seed }))
  return Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])
}

beforeEach(async () => {
  await tf.setBackend('cpu')
})

describe('training', () => {
  test('learns a learnable task, and reports it', async () => {
    const seen: Progress[] = []
    const result = await train(
      options({ epochs: 5, onProgress: (progress) => seen.push(progress) }),
    )
    expect(result.stopped).toBe('finished')
    expect(result.steps).toBe(5 * Math.ceil(108 / 16))
    expect(result.test!.accuracy).toBeGreaterThan(0.9)
    expect(seen.filter(({ kind }) => kind === 'epoch')).toHaveLength(5)
    expect(result.epochs[4]!.training.loss).toBeLessThan(result.epochs[0]!.training.loss)
  })

  test('for 0 epochs evaluates the unchanged model', async () => {
    const model = denseModel()
    const before = Object.values(variablesOf(model)).map((variable) => [...variable.dataSync()])
    const result = await train(options({ model, epochs: 0 }))
    expect(result).toMatchObject({ stopped: 'finished', steps: 0, epochs: [] })
    expect(result.test!.loss).toBeGreaterThan(0.5)
    const after = Object.values(variablesOf(model)).map((variable) => [...variable.dataSync()])
    expect(after).toEqual(before)
  })

  test('the test logits are those that loss and accuracy were computed from', async () => {
    const { test: metrics, testLogits } = await train(options({ epochs: 2 }))
    const { labels } = blobs(40, 1)
    expect(testLogits).toHaveLength(40 * 3)
    let [loss, right] = [0, 0]
    labels.forEach((label, i) => {
      const row = [...testLogits!.subarray(3 * i, 3 * i + 3)]
      loss += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[label]!
      if (row.indexOf(Math.max(...row)) === label) right++
    })
    expect(metrics!.loss).toBeCloseTo(loss / 40, 5)
    expect(metrics!.accuracy).toBeCloseTo(right / 40, 6)
  })

  test('same seed, bit-equal weights, whether or not another model was built first', async () => {
    const once = await weightsAfter(3)
    denseModel()
    expect(await weightsAfter(3)).toEqual(once)
    expect(await weightsAfter(4)).not.toEqual(once)
  })

  test('leaves no tensor behind', async () => {
    const optimizer = tf.train.momentum(0.1, 0.9)
    const model = denseModel()
    await train(options({ model, optimizer, epochs: 1 }))
    const again = options({ model, optimizer, epochs: 3 })
    const before = tf.memory().numTensors
    await train(again)
    expect(tf.memory().numTensors).toBe(before)
  })

  test('an async iterable ends by leaving the loop, a signal by aborting', async () => {
    let steps = 0
    for await (const progress of training(options({ readEvery: 1 })))
      if (progress.kind === 'step' && ++steps === 3) break
    expect(steps).toBe(3)

    const stop = new AbortController()
    const result = await train(
      options({
        readEvery: 1,
        signal: stop.signal,
        onProgress: ({ time }) => time.step === 4 && stop.abort(),
      }),
    )
    expect(result).toMatchObject({ stopped: 'aborted', steps: 5 })
    expect(result.test).toBeUndefined()
  })

  test('the test set is read once, after training', async () => {
    const events: string[] = []
    const { images, ...rest } = blobs(40, 1)
    const watched = new Proxy(rest, {
      get: (target, name) => (name === 'images' ? images : Reflect.get(target, name)),
    }) as ReturnType<typeof blobs>
    const labels = new Proxy(rest.labels, {
      get(target, name) {
        if (name === '0') events.push('test')
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    await train(
      options({
        data: { train: blobs(120), test: { ...watched, images, labels } },
        onProgress: ({ kind }) => kind === 'epoch' && events.push('epoch'),
      }),
    )
    // Once for validation, before training, and once for evaluation.
    expect(events).toEqual(['test', 'epoch', 'epoch', 'test'])
  })

  test('evaluation does not depend on its batch size', async () => {
    const metrics = await Promise.all(
      [1, 7, 39, 40, 41, 1000].map(async (evaluationBatchSize) => {
        const { test: tested, testLogits } = await train(options({ evaluationBatchSize }))
        return { tested: tested!, testLogits: testLogits! }
      }),
    )
    for (const { tested, testLogits } of metrics) {
      expect(tested.accuracy).toBeCloseTo(metrics[0]!.tested.accuracy, 12)
      expect(tested.loss).toBeCloseTo(metrics[0]!.tested.loss, 6)
      expect(testLogits).toHaveLength(40 * 3)
    }
    await expect(train(options({ evaluationBatchSize: 0 }))).rejects.toThrow(
      'train: expected evaluationBatchSize to be a positive integer, got 0',
    )
  })

  test('early stopping and the rate use validation, and may end the run', async () => {
    const heard: number[] = []
    const stopper: Trick = {
      name: 'stopper',
      options: {},
      afterEpoch({ epoch, validation }) {
        heard.push(validation!.accuracy)
        return epoch === 1 ? { stop: 'enough' } : undefined
      },
    }
    const result = await train(options({ tricks: [stopper], epochs: 9 }))
    expect(result.stopped).toBe('enough')
    expect(heard).toHaveLength(2)
    expect(heard).toEqual(result.epochs.map(({ validation }) => validation!.accuracy))
    const all = await train(options({ validation: 0 }))
    expect(all.epochs[0]!.validation).toBeUndefined()
    expect(all.steps).toBe(2 * Math.ceil(120 / 16))
  })

  test('the rate is set before the step', async () => {
    const used: number[] = []
    const optimizer = tf.train.sgd(0.5)
    const rates: Trick = {
      name: 'rates',
      options: {},
      learningRate: (rate, { step }) => rate / (step + 1),
      afterStep: () =>
        void used.push((optimizer as unknown as { learningRate: number }).learningRate),
    }
    await train(options({ optimizer, tricks: [rates], epochs: 1 }))
    expect(used.slice(0, 3)).toEqual([0.5, 0.25, 0.5 / 3])
  })
})

describe('reports errors', () => {
  test('a NaN is reported with step, rate and tricks', async () => {
    const poison: Trick = {
      name: 'poison',
      options: {},
      loss: (loss, { time }) => (time.step === 5 ? tf.mul(loss, NaN) : loss),
    }
    await expect(train(options({ tricks: [poison] }))).rejects.toThrow(
      'train: the loss is NaN at step 5 (learning rate 0.1; tricks: poison)',
    )
  })

  const set = blobs(20)
  const cases: [string, Partial<TrainOptions>, string][] = [
    [
      'a batch larger than the data',
      { batchSize: 200 },
      'expected batchSize to be at most 108, the number of training images, got 200',
    ],
    [
      'an empty set',
      { data: { train: { ...set, images: new Uint8Array(), labels: [] } } },
      'is empty',
    ],
    [
      'labels out of range',
      { data: { train: { ...set, labels: set.labels.map(() => 3) } } },
      'got 3 at',
    ],
    ['truncated images', { data: { train: { ...set, images: set.images.slice(1) } } }, 'bytes'],
    [
      'less than no epochs',
      { epochs: -1 },
      'train: expected epochs to be an integer of at least 0, got -1',
    ],
    ['no reads', { readEvery: 0 }, 'train: expected readEvery to be a positive integer, got 0'],
    [
      'no model',
      { model: undefined! },
      'train: expected model to be a tfjs-layers model, or { apply, variables }, got undefined',
    ],
    ['no seed', { seed: -1 }, 'train: expected seed to be a whole number in [0, 2^32), got -1'],
    [
      'a checkpoint every nothing',
      { checkpoint: { every: { epoch: 1 } as never, save: () => undefined } },
      'train: expected checkpoint.every to be one of { steps }, { epochs } and { fraction }, got {"epoch":1}',
    ],
    [
      'a checkpoint after a while',
      { checkpoint: { seconds: NaN, save: () => undefined } },
      'train: expected checkpoint.seconds to be a number of at least 0, got NaN',
    ],
    [
      'seconds as text',
      { checkpoint: { seconds: '60' as never, save: () => undefined } },
      'train: expected checkpoint.seconds to be a number of at least 0, got 60',
    ],
    [
      'a checkpoint that nobody keeps',
      { checkpoint: {} as never },
      'train: expected checkpoint.save to be a function that keeps the checkpoint, got undefined',
    ],
    ['a seed as text', { seed: '1' as never }, 'train: expected seed to be a whole number'],
    [
      'an optimizer by name',
      { optimizer: 'adam' as never },
      'train: expected optimizer to be one such as tf.train.adam(0.001), got adam',
    ],
    ['no optimizer', { optimizer: undefined! }, 'train: expected optimizer to be one'],
    ...[0, -0.1, NaN, Infinity].map((rate): [string, Partial<TrainOptions>, string] => [
      `a learning rate of ${rate}`,
      { optimizer: tf.train.adam(rate) },
      `train: expected the optimizer's learning rate to be a number above 0, got ${rate}`,
    ]),
    [
      'a function in the list',
      { tricks: [denseModel as never] },
      'expected a trick, got the function denseModel: call it',
    ],
    ['all images for validation', { validation: 120 }, 'expected validation to be'],
    ['too few logits', { model: denseModel({ units: 2 }) }, 'return logits [16, 3], got [16, 2]'],
    ['a softmax', { model: denseModel({ activation: 'softmax' }) }, 'ends in a softmax'],
    ['no variables', { model: { apply: () => undefined } }, 'has no variables'],
    ['another test set', { data: { train: set, test: { ...set, classes: ['a'] } } }, 'in [0, 1)'],
  ]
  test.each(cases)('%s', async (_, wrong, message) => {
    await expect(train(options(wrong))).rejects.toThrow(message)
  })
})

test('variables are named by layer path and role, however the model was built', () => {
  denseModel()
  expect(Object.keys(variablesOf(denseModel()))).toEqual([
    'head/kernel',
    'head/bias',
    'Dense-1/kernel',
    'Dense-1/bias',
  ])
})

test('errors of openData name its options', () => {
  const given = { train: blobs(20), validation: 0, batchSize: 8, epochs: 1, seed: 0 }
  for (const [wrong, message] of [
    [{ batchSize: -8 }, 'openData: expected batchSize to be a positive integer, got -8'],
    [{ epochs: 0.5 }, 'openData: expected epochs to be an integer of at least 0, got 0.5'],
    [{ seed: -1 }, 'openData: expected seed to be a whole number in [0, 2^32), got -1'],
  ] as const)
    expect(() => openData({ ...given, ...wrong })).toThrow(message)
})

test('blobs differ by seed', () => {
  expect(blobs(4).images).not.toEqual(blobs(4, 1).images)
  expect(createRandom(0).uniform()).toBe(createRandom(0).uniform())
})
