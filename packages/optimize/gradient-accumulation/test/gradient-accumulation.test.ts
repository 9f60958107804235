import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { conformance, expectClose, onEachBackend } from '@tricks/conformance'
import {
  createRandom,
  oneHot,
  type PipelineBatch,
  softmaxCrossEntropy,
  type Tensors,
  type Trick,
} from '@tricks/core'
import { dropout } from '@tricks/dropout'
import { distillation } from '@tricks/distillation'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import { type ImageSet, train, type TrainOptions, variablesOf } from '@tricks/train'
import { l2 } from '@tricks/weight-penalty'
import { describe, expect, test } from 'vitest'
import { accumulateGradients, gradientAccumulation } from '../src/index.ts'

const random = createRandom(3)
const floats = (...shape: number[]): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
    shape,
  )

onEachBackend(() => {
  const x = floats(10, 6)
  const targets = oneHot([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], 3)
  const weights = tf.variable(floats(6, 3))
  const gradientsOf = ({ x: part, targets: of }: { x: tf.Tensor; targets: tf.Tensor }): Tensors => {
    const loss = (): tf.Scalar =>
      softmaxCrossEntropy(of as tf.Tensor2D, tf.matMul<tf.Tensor2D>(part, weights))
    const { value, grads } = tf.variableGrads(loss, [weights])
    value.dispose()
    return { weights: grads[weights.name]! }
  }

  test.each([1, 3, 4, 5, 9, 10, 11])(
    'parts of %d of 10 give the whole batch’s gradients',
    (microBatch) => {
      const whole = gradientsOf({ x, targets })
      const before = tf.memory().numTensors
      const sums = accumulateGradients(gradientsOf, { x, targets }, microBatch)
      expect(tf.memory().numTensors - before).toBe(1)
      expectClose(sums['weights']!, [...whole['weights']!.dataSync()], { absolute: 1e-6 })
    },
  )

  test('each part has the index of its first image', () => {
    const ranges: [number, number][] = []
    accumulateGradients(
      (part, first) => {
        ranges.push([first, part.x.shape[0]])
        return gradientsOf(part)
      },
      { x, targets },
      4,
    )
    expect(ranges).toEqual([
      [0, 4],
      [4, 4],
      [8, 2],
    ])
  })
})

test.each([0, -1, 1.5, NaN])('parts of %d images are rejected', (microBatch) => {
  expect(() => accumulateGradients(() => ({}), { x: tf.zeros([3, 1]) }, microBatch)).toThrow(
    `gradient-accumulation: expected microBatch to be a positive integer, got ${microBatch}`,
  )
})

test('kept gradients are not disposed', () => {
  const own = tf.keep(tf.scalar(2))
  const sums = accumulateGradients(() => ({ own }), { x: tf.zeros([3, 1]) }, 1)
  expectClose(sums['own']!, [2])
  expect(own.isDisposed).toBe(false)
})

const set: ImageSet = {
  images: Uint8Array.from({ length: 90 * 48 }, () => random.integer(0, 256)),
  labels: Array.from({ length: 90 }, (_, i) => i % 3),
  height: 4,
  width: 4,
  channels: 3,
  classes: ['a', 'b', 'c'],
}

const modelOf = (norm?: 'norm'): layers.LayersModel => {
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 5 })
  return layers.sequential({
    layers: [
      layers.layers.conv2d({ inputShape: [4, 4, 3], filters: 4, kernelSize: 3, kernelInitializer }),
      ...(norm ? [layers.layers.batchNormalization({})] : []),
      layers.layers.flatten(),
      dropout({ rate: 0.3, name: 'drop' }),
      layers.layers.dense({ units: 3, kernelInitializer }),
    ],
  })
}

const optionsOf = (tricks: Trick[], norm?: 'norm'): TrainOptions => ({
  model: modelOf(norm),
  data: { train: set },
  tricks,
  optimizer: tf.train.momentum(0.1, 0.9),
  epochs: 3,
  // An epoch's last batch has 17 images, and its last part one.
  batchSize: 32,
  validation: 9,
  seed: 1,
})

async function trained(
  tricks: Trick[],
  norm?: 'norm',
): Promise<{ weights: number[]; loss: number }> {
  const options = optionsOf(tricks, norm)
  const { epochs } = await train(options)
  const weights = Object.values(variablesOf(options.model)).flatMap((variable) => [
    ...variable.dataSync(),
  ])
  return { weights, loss: epochs.at(-1)!.training.loss }
}

const distance = (a: number[], b: number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))

/** Weights each image's logits by a number that the image draws. */
const drawnWeights: Trick = {
  name: 'drawn-weights',
  options: {},
  loss(loss, { logits, random: own }) {
    const weights = own.images(logits.shape[0], (image) => image.uniform(0, 0.1))
    return tf.add(loss, tf.mean(tf.mul(logits, tf.tensor2d(weights, [weights.length, 1]))))
  },
}

describe('a run of nine steps', () => {
  const teacher = modelOf()
  const tricks = (): Trick[] => [
    mixup({ alpha: 0.4 }),
    labelSmoothing(),
    distillation({ teacher, temperature: 4 }),
    l2({ strength: 1e-3 }),
    drawnWeights,
  ]

  test.each([1, 7, 16, 32])(
    'has the same weights and losses with parts of %d, including all draws, within 1e-5',
    async (microBatch) => {
      await tf.setBackend('cpu')
      const whole = await trained(tricks())
      const parts = await trained([...tricks(), gradientAccumulation({ microBatch })])
      expect(distance(parts.weights, whole.weights)).toBeLessThan(1e-5)
      expect(parts.loss).toBeCloseTo(whole.loss, 5)
      expect(distance(whole.weights, (await trained([])).weights)).toBeGreaterThan(1e-3)
    },
  )

  test("batch normalisation uses each part's statistics, so the run differs", async () => {
    await tf.setBackend('cpu')
    const whole = await trained([], 'norm')
    const parts = await trained([gradientAccumulation({ microBatch: 8 })], 'norm')
    expect(distance(parts.weights, whole.weights)).toBeGreaterThan(1e-3)
    expect(parts.weights.every(Number.isFinite)).toBe(true)
    const one = await trained([gradientAccumulation({ microBatch: 32 })], 'norm')
    expect(one.weights).toEqual(whole.weights)
  })
})

test('prepared tensors with one row per image are split with the batch', () => {
  const seen: number[][] = []
  const batch = {
    images: tf.zeros([5, 1, 1, 1]),
    targets: tf.zeros([5, 2]),
    mixedTargets: tf.zeros([5, 2]),
    prepared: { 'a/rows': tf.range(0, 5), 'a/other': tf.range(0, 3) },
    time: { step: 0, stepsPerEpoch: 1, steps: 1 },
    first: 10,
  } as PipelineBatch
  gradientAccumulation({ microBatch: 3 }).gradients!(
    ({ batch: part } = {}) => {
      const { prepared, first } = part!
      seen.push([first!, ...['a/rows', 'a/other'].map((name) => prepared[name]!.size)])
      return { weight: tf.scalar(1) }
    },
    { batch, variables: {}, state: undefined, time: batch.time, random },
  )
  expect(seen).toEqual([
    [10, 3, 3],
    [13, 2, 3],
  ])
})

test('resolves options with defaults', () => {
  expect(gradientAccumulation().options).toEqual({ microBatch: 32 })
  expect(gradientAccumulation({ microBatch: 8 }).options).toEqual({ microBatch: 8 })
})

conformance(() => gradientAccumulation({ microBatch: 3 }), {
  invalid: [
    () => gradientAccumulation({ microBatch: 0 }),
    () => gradientAccumulation({ microBatch: 1.5 }),
    () => gradientAccumulation({ microBatch: NaN }),
    () => gradientAccumulation({ microBatch: '3' as never }),
    () => gradientAccumulation({ microBatch: null as never }),
    () => gradientAccumulation({ batch: 3 } as never),
    () => accumulateGradients(() => ({}), { x: tf.zeros([3, 1]) }, '2' as never),
  ],
})
