// Moving statistics for averaged weights, compared with torch's `update_bn` on the same batches.
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { useBackend } from '@tricks/backend'
import { batchNorm } from '@tricks/batch-norm'
import { during, type Tensors, type Trick } from '@tricks/core'
import { stochasticAverage } from '@tricks/weight-averaging'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ImageSet, openData, train, type TrainOptions, variablesOf } from '../src/index.ts'
import fixture from './fixtures/update-bn.json' with { type: 'json' }

const set: ImageSet = {
  images: Uint8Array.from(fixture.images),
  labels: fixture.labels,
  height: 4,
  width: 4,
  channels: 3,
  classes: ['a', 'b', 'c'],
}
const [mean, deviation] = [[0.5], [0.25]]

type Norm = (name: string) => layers.layers.Layer
const ours =
  (momentum: number): Norm =>
  (name) =>
    batchNorm({ name, momentum })

function network(norm: Norm): layers.LayersModel {
  const dense = (name: string, units: number): layers.layers.Layer =>
    layers.layers.dense({
      name,
      units,
      useBias: name === 'head',
      kernelInitializer: layers.initializers.glorotUniform({ seed: units }),
    })
  return layers.sequential({
    layers: [
      layers.layers.flatten({ inputShape: [4, 4, 3] }),
      dense('first', 5),
      norm('norm1'),
      layers.layers.activation({ activation: 'relu' }),
      dense('second', 4),
      norm('norm2'),
      dense('head', 3),
    ],
  })
}

const runOf = (model: layers.LayersModel, tricks: readonly Trick[]): TrainOptions => ({
  model,
  data: { train: set, test: set, mean, deviation },
  tricks,
  optimizer: tf.train.sgd(0.01),
  epochs: 2,
  batchSize: 8,
  validation: 0,
  seed: 3,
})

/** Evaluates on the fixture's weights, and leaves them in the model. */
const others = (more: Record<string, readonly number[]> = {}): Trick => {
  const weights = (variables: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries({ ...fixture.weights, 'head/bias': [0, 0, 0], ...more }).map(
        ([path, values]) => [path, tf.tensor([...values], variables[path]!.shape)],
      ),
    )
  return {
    name: 'others',
    options: {},
    finish: ({ variables }) => {
      for (const [path, value] of Object.entries(weights(variables))) variables[path]!.assign(value)
    },
    evaluation: { weights, statistics: { epochs: 1 } },
  }
}

const statisticsIn = (model: layers.LayersModel): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(variablesOf(model))
      .filter(([path]) => path.includes('moving'))
      .map(([path, variable]) => [path, [...variable.dataSync()]]),
  )

function expectNear(
  found: Record<string, readonly number[]>,
  expected: Record<string, readonly number[]>,
  relative = 1e-5,
): void {
  for (const [path, values] of Object.entries(expected))
    values.forEach((value, i) =>
      expect(Math.abs(found[path]![i]! - value), `${path} ${i}`).toBeLessThan(
        relative * (1 + Math.abs(value)),
      ),
    )
}

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend)
  })

  test('the batches are those of the fixture', () => {
    const data = openData({ train: set, validation: 0, batchSize: 8, epochs: 2, seed: 3 })
    expect([3, 4, 5].map((step) => [...data.batch(step).indices])).toEqual(fixture.batches)
  })

  test.each([
    ['a momentum of 0.9', ours(0.9), 1e-5],
    ['a momentum of 0.99', ours(0.99), 5e-5],
    ['no momentum', ours(0), 1e-5],
  ] as const)('matches torch with %s', async (_, norm, tolerance) => {
    const model = network(norm)
    const { testLogits } = await train(runOf(model, [others()]))
    expectNear(statisticsIn(model), fixture.expected, tolerance)
    expectNear({ logits: [...testLogits!] }, { logits: fixture.logits }, 20 * tolerance)
  })

  test("matches torch with tfjs's own layer, whose variance is biased", async () => {
    const model = network((name) => layers.layers.batchNormalization({ name }))
    await train(runOf(model, [others()]))
    const { 'norm1/moving_mean': first, 'norm2/moving_mean': second } = fixture.expected
    // Its different epsilon affects the input of the second norm.
    expectNear(statisticsIn(model), { 'norm1/moving_mean': first }, 5e-5)
    expectNear(statisticsIn(model), { 'norm2/moving_mean': second }, 1e-3)
  })

  test('a frozen norm keeps its statistics, and the norms after it see its output', async () => {
    const model = network(ours(0.9))
    model.getLayer('norm1').trainable = false
    const kept = {
      'norm1/moving_mean': [0.5, -0.25, 0, 1, 2],
      'norm1/moving_variance': [1, 2, 0.5, 4, 1],
    }
    await train(runOf(model, [during({}, others(kept))]))
    const weights = variablesOf(model)
    const expected = tf.tidy(() => {
      const images = tf.tensor2d(fixture.images, [20, 48])
      const normal = tf.div(tf.sub(tf.div(images, 255), 0.5), 0.25)
      const parts = fixture.batches.map((batch) => {
        const x = tf.gather(normal, tf.tensor1d(batch, 'int32'))
        const first = tf.matMul(x, weights['first/kernel'] as unknown as tf.Tensor2D)
        const { 'norm1/moving_mean': center, 'norm1/moving_variance': spread } = kept
        const scaled = tf.div(tf.sub(first, center), tf.sqrt(tf.add(tf.tensor1d(spread), 1e-5)))
        const shown = tf.add(tf.mul(scaled, weights['norm1/gamma']!), weights['norm1/beta']!)
        const second = tf.matMul(
          tf.relu(shown) as tf.Tensor2D,
          weights['second/kernel'] as unknown as tf.Tensor2D,
        )
        const { mean: center2, variance } = tf.moments(second, 0)
        return [center2, tf.mul(variance, batch.length / (batch.length - 1))] as const
      })
      const meanOf = (i: 0 | 1): number[] => [
        ...tf.mean(tf.stack(parts.map((part) => part[i])), 0).dataSync(),
      ]
      return { 'norm2/moving_mean': meanOf(0), 'norm2/moving_variance': meanOf(1) }
    })
    expectNear(statisticsIn(model), { ...kept, ...expected })
  })

  test('training is unaffected, and no tensors are left', async () => {
    const untouched = network(ours(0.9))
    await train(runOf(untouched, []))
    const model = network(ours(0.9))
    const { finish: _, ...evaluated } = others()
    const options = runOf(model, [evaluated])
    const before = tf.memory().numTensors
    await train(options)
    expect(tf.memory().numTensors).toBe(before)
    const { 'norm1/moving_mean': __, ...own } = variablesOf(untouched)
    for (const [path, variable] of Object.entries(own))
      if (!path.includes('moving'))
        expect([...variablesOf(model)[path]!.dataSync()]).toEqual([...variable.dataSync()])
  })
})

test('the stochastic average gets its own statistics, unless they are averaged', async () => {
  await useBackend('cpu')
  const runs = await Promise.all(
    [{ epochs: 1 }, { steps: 0 }].map(async (statistics) => {
      const model = network(ours(0.9))
      const average = stochasticAverage({ from: { steps: 0 }, every: { steps: 1 }, statistics })
      await train(runOf(model, [average]))
      return model
    }),
  )
  const [fitting, averaged] = runs.map(statisticsIn)
  const kernels = runs.map((model) => [...variablesOf(model)['first/kernel']!.dataSync()])
  expect(kernels[0]).toEqual(kernels[1])
  expect(fitting).not.toEqual(averaged)
  // The average of weights that are kept: the statistics of the same batches, by a second run of them.
  const model = network(ours(0.9))
  const weights = Object.fromEntries(
    Object.entries(variablesOf(runs[0]!)).map(([path, value]) => [path, [...value.dataSync()]]),
  )
  await train(runOf(model, [others(weights)]))
  expectNear(statisticsIn(model), fitting!)
})
