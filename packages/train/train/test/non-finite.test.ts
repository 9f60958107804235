import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import type { Metrics, Tensors, Trick } from '@tricks/core'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type Checkpoint,
  type Model,
  type Progress,
  train,
  type TrainOptions,
  variablesOf,
} from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

beforeEach(async () => {
  await tf.setBackend('cpu')
})

/** A dense network with moving statistics. */
const normedModel = (): Model => {
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 5 })
  return layers.sequential({
    layers: [
      layers.layers.flatten({ inputShape: [4, 4, 3] }),
      layers.layers.dense({ name: 'head', units: 8, kernelInitializer }),
      layers.layers.batchNormalization({ name: 'norm' }),
      layers.layers.dense({ name: 'end', units: 3, kernelInitializer }),
    ],
  })
}

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: normedModel(),
  data: { train: blobs(120), test: blobs(40, 1) },
  optimizer: tf.train.adam(0.01),
  epochs: 2,
  batchSize: 16,
  readEvery: 4,
  ...more,
})

/** Multiplies the loss at the given steps. */
const lossTimes = (factor: number, ...steps: number[]): Trick => ({
  name: 'loss-times',
  options: {},
  loss: (loss, { time }) => (steps.includes(time.step) ? tf.mul(loss, factor) : loss),
})

/** Sets one value of one gradient at the given steps; the loss is unaffected. */
const gradientHas = (value: number, ...steps: number[]): Trick => ({
  name: 'gradient-has',
  options: {},
  gradients(next, { time }) {
    const gradients = next()
    if (!steps.includes(time.step)) return gradients
    const path = 'head/kernel'
    const spot = tf.oneHot(tf.scalar(7, 'int32'), 48 * 8, value, 0)
    return { ...gradients, [path]: tf.add(gradients[path]!, tf.reshape(spot, [48, 8])) }
  },
})

/** A trick whose `gradients` and `afterStep` hooks change its state. */
const remembering = (): Trick<{ passes: number; steps: number; sum: tf.Tensor }> => ({
  name: 'remembering',
  options: {},
  start: () => ({ passes: 0, steps: 0, sum: tf.scalar(0) }),
  gradients(next, { state }) {
    state.passes++
    return next()
  },
  afterStep(variables, { state }) {
    state.steps++
    state.sum = tf.add(state.sum, tf.mean(variables['head/kernel']!))
  },
})

describe('stop, the default', () => {
  test.each([
    [lossTimes(NaN, 5), 'the loss is NaN at step 5 (learning rate 0.01; tricks: loss-times)'],
    [lossTimes(Infinity, 5), 'the loss is Infinity at step 5'],
    [
      gradientHas(NaN, 5),
      /the gradient of head\/kernel is not finite, and the loss is \d.* at step 5/,
    ],
    [gradientHas(-Infinity, 13), /the gradient of head\/kernel is not finite/],
  ])('%#: names the value, the step and the rate', async (poison, message) => {
    await expect(train(options({ tricks: [poison] }))).rejects.toThrow(message)
  })

  test('a rate that makes the weights diverge ends the run, even in the last step', async () => {
    const sgd = (rate: number): TrainOptions =>
      options({ model: denseModel(), optimizer: tf.train.sgd(rate) })
    await expect(train(sgd(1e30))).rejects.toThrow(/is (NaN|Infinity|not finite)/)
    const once = { ...sgd(3e38), epochs: 1, batchSize: 108, validation: 12 }
    await expect(train(once)).rejects.toThrow(
      /the validation loss is (NaN|Infinity) after the update at step 0/,
    )
  })

  test('rejects other values', async () => {
    const nonFinite = 'ignore' as 'skip'
    await expect(train(options({ nonFinite }))).rejects.toThrow(
      "train: expected nonFinite to be 'stop' or 'skip', got ignore",
    )
  })
})

describe('skip', () => {
  const poisons: [string, Trick][] = [
    ['NaN losses', lossTimes(NaN, 3, 6, 8)],
    ['infinite losses', lossTimes(Infinity, 3, 6, 8)],
    ['a gradient with a NaN', gradientHas(NaN, 3, 6, 8)],
    ['a gradient with an infinity', gradientHas(Infinity, 3, 6, 8)],
  ]

  test.each(poisons)('%s: the step changes nothing and is counted', async (_, poison) => {
    const after: Checkpoint[] = []
    const seen: Progress[] = []
    const given = options({
      tricks: [poison, remembering()],
      nonFinite: 'skip',
      checkpoint: { every: { steps: 1 }, save: (each) => void after.push(each) },
      onProgress: (each) => seen.push(each),
    })
    const { skipped, steps, test: tested } = await train(given)
    expect(skipped).toBe(3)
    expect(steps).toBe(14)
    expect(tested!.loss).toBeLessThan(2)
    expect(seen.map((each) => each.skipped)).toEqual([1, 2, 2, 2, 3, 3, 3])
    for (const each of seen) if (each.kind === 'step') expect(each.loss).toBeLessThan(3)
    for (const step of [3, 6, 8]) {
      const [before, now] = [after[step - 1]!, after[step]!]
      expect(now.tensors, `step ${step}`).toEqual(before.tensors)
      expect(now.tricks).toEqual(before.tricks)
    }
    for (const step of [2, 4, 7, 9])
      expect(after[step]!.tensors, `step ${step}`).not.toEqual(after[step - 1]!.tensors)
    expect(after.at(-1)!.tricks).toMatchObject({ remembering: { steps: 11, passes: 11 } })
  })

  test("without bad steps, the result is bit-equal to 'stop'", async () => {
    const [one, other] = [options(), options({ nonFinite: 'skip' })]
    const { epochs, ...rest } = await train(one)
    const result = await train(other)
    expect(result).toMatchObject(rest)
    expect(result.epochs.map(({ validation }) => validation)).toEqual(
      epochs.map(({ validation }) => validation),
    )
    expect(weightsOf(other)).toEqual(weightsOf(one))
  })

  test('a run resumed after any step has a bit-equal result', async () => {
    const given = (): TrainOptions =>
      options({
        tricks: [gradientHas(NaN, 2, 3, 6, 9), remembering()],
        nonFinite: 'skip',
      })
    const after: Checkpoint[] = []
    const whole = given()
    const { epochs, skipped } = await train({
      ...whole,
      checkpoint: { every: { steps: 1 }, save: (each) => void after.push(each) },
    })
    expect(skipped).toBe(4)
    for (const resume of after.slice(0, -1)) {
      const again = given()
      const result = await train({ ...again, resume })
      expect(weightsOf(again), `after ${resume.step}`).toEqual(weightsOf(whole))
      expect(result.skipped).toBe(4)
      expect(result.epochs.map(plain)).toEqual(epochs.map(plain))
    }
  })

  test("a stopped run can resume with 'skip' from its last checkpoint", async () => {
    const tricks = [lossTimes(NaN, 9)]
    const kept: Checkpoint[] = []
    const checkpoint = { every: { steps: 1 }, save: (each: Checkpoint) => void kept.push(each) }
    await expect(train(options({ tricks, checkpoint }))).rejects.toThrow('NaN at step 9')
    expect(kept.at(-1)!.step).toBe(9)
    const result = await train(options({ tricks, resume: kept.at(-1)!, nonFinite: 'skip' }))
    expect(result).toMatchObject({ stopped: 'finished', skipped: 1 })
  })

  test('stops after ten in a row, even across a resume, and if an epoch has no step left', async () => {
    const many = Array.from({ length: 10 }, (_, i) => 2 + i)
    const given = (steps: number[]): TrainOptions =>
      options({
        data: { train: blobs(400) },
        tricks: [lossTimes(NaN, ...steps)],
        nonFinite: 'skip',
      })
    const message =
      'train: stopped after 10 skipped steps in a row: the loss is NaN at step 11 (learning rate 0.01; tricks: loss-times)'
    const kept: Checkpoint[] = []
    const checkpoint = { every: { steps: 1 }, save: (each: Checkpoint) => void kept.push(each) }
    await expect(train({ ...given(many), checkpoint })).rejects.toThrow(message)
    await expect(train({ ...given(many), resume: kept[6]! })).rejects.toThrow(message)
    expect((await train(given(many.slice(1)))).skipped).toBe(9)

    const short = options({ tricks: [lossTimes(NaN, 7, 8, 9, 10, 11, 12, 13)], nonFinite: 'skip' })
    await expect(train(short)).rejects.toThrow('stopped after 7 skipped steps in a row')
  })

  test('observers receive completed steps only', async () => {
    const heard: [number, Metrics][] = []
    const watching: Trick = {
      name: 'watching',
      options: {},
      observe: [
        { every: { steps: 2 }, metrics: (metrics, { step }) => heard.push([step, metrics]) },
      ],
    }
    await train(
      options({ epochs: 1, tricks: [lossTimes(NaN, 1, 4, 5), watching], nonFinite: 'skip' }),
    )
    expect(heard.map(([step]) => step)).toEqual([1, 3])
    for (const [, { loss }] of heard) expect(loss).toBeGreaterThan(0)
  })

  test('leaves no tensor behind', async () => {
    const optimizer = tf.train.momentum(0.1, 0.9)
    const given = options({
      optimizer,
      tricks: [lossTimes(NaN, 3, 6), remembering()],
      nonFinite: 'skip',
    })
    await train(given)
    const before = tf.memory().numTensors
    await train(given)
    expect(tf.memory().numTensors).toBe(before)
  })

  test('a trick may keep its own gradients', async () => {
    let kept: Tensors | undefined
    const momentum: Trick = {
      name: 'own-momentum',
      options: {},
      gradients(next) {
        const old = kept
        kept = Object.fromEntries(
          Object.entries(next()).map(([path, gradient]) => [
            path,
            tf.keep(old ? tf.add(tf.mul(old[path]!, 0.9), gradient) : gradient.clone()),
          ]),
        )
        tf.dispose(old ?? {})
        return kept
      },
    }
    await train(options({ epochs: 1, tricks: [momentum], nonFinite: 'skip' }))
    expect(Object.values(kept!).every((gradient) => !gradient.isDisposed)).toBe(true)
    tf.dispose(kept!)
  })
})

const weightsOf = ({ model }: TrainOptions): number[] =>
  Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])

const plain = ({ seconds: _seconds, ...rest }: { seconds: number }): unknown => rest
