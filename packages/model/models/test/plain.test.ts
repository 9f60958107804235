import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { describe, expect, test } from 'vitest'
import { createModel, modelNames, plain } from '../src/index.ts'
import { descend, withModel } from './training.ts'

test('plain has the layers, weights and names given by its widths', () => {
  withModel(plain({ widths: [[4], [8, 6]], classes: 5, inputShape: [7, 9, 2] }), (model) => {
    expect(model.layers.map((layer) => layer.name)).toEqual([
      'images',
      'stage1/block1/conv',
      'stage1/block1/norm',
      'stage1/block1/relu',
      'stage1/pool',
      'stage2/block1/conv',
      'stage2/block1/norm',
      'stage2/block1/relu',
      'stage2/block2/conv',
      'stage2/block2/norm',
      'stage2/block2/relu',
      'pool',
      'logits',
    ])
    expect(model.weights.map((weight) => weight.originalName).slice(0, 3)).toEqual([
      'stage1/block1/conv/kernel',
      'stage1/block1/norm/gamma',
      'stage1/block1/norm/beta',
    ])
    expect(model.getLayer('stage2/block1/relu').outputShape).toEqual([null, 3, 4, 8])
    expect(model.outputs[0]!.shape).toEqual([null, 5])
    const counted = model.trainableWeights.reduce((sum, w) => sum + w.read().size, 0)
    expect(counted).toBe(9 * (2 * 4 + 4 * 8 + 8 * 6) + 2 * (4 + 8 + 6) + 6 * 5 + 5)
  })
})

test('plain has biases without batch norm, and a dropout layer with dropout', () => {
  withModel(plain({ widths: [[4], [8]], batchNorm: false, dropout: 0.2 }), (model) => {
    expect(model.layers.map((layer) => layer.name)).toEqual([
      'images',
      'stage1/block1/conv',
      'stage1/block1/relu',
      'stage1/pool',
      'stage2/block1/conv',
      'stage2/block1/relu',
      'pool',
      'dropout',
      'logits',
    ])
    expect(model.getLayer('stage1/block1/conv').weights).toHaveLength(2)
  })
})

test('plain learns on wasm', async () => {
  await tf.setBackend('wasm')
  withModel(plain({ widths: [[8], [16]] }), (model) => {
    const losses = descend(model, { steps: 20, rate: 0.3 }).map(({ loss }) => loss)
    expect(losses[0]).toBeGreaterThan(1)
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2)
  })
  await tf.setBackend('cpu')
})

describe('the initial weights', () => {
  const kernels = (model: LayersModel): Record<string, number[]> =>
    Object.fromEntries(
      model.weights
        .filter((weight) => weight.originalName.endsWith('kernel'))
        .map((weight) => [weight.originalName, [...weight.read().dataSync()]]),
    )
  const widths = [[8], [8, 8]]

  test('depend on the seed, and not on models built before', () => {
    withModel(plain({ widths, seed: 3 }), (first) =>
      withModel(plain({ widths, seed: 3 }), (second) =>
        withModel(plain({ widths, seed: 4 }), (other) => {
          expect(kernels(second)).toEqual(kernels(first))
          for (const [name, kernel] of Object.entries(kernels(other)))
            expect(kernel, name).not.toEqual(kernels(first)[name])
        }),
      ),
    )
  })

  test('differ between layers of the same shape', () => {
    withModel(plain({ widths }), (model) => {
      const drawn = kernels(model)
      expect(drawn['stage2/block1/conv/kernel']).not.toEqual(drawn['stage2/block2/conv/kernel'])
    })
  })

  test('depend on the layer name, not on the layers before', () => {
    withModel(plain({ widths: [[8, 8, 8], [8]], seed: 3 }), (deeper) =>
      withModel(plain({ widths: [[8], [8]], seed: 3 }), (model) => {
        const name = 'stage2/block1/conv/kernel'
        expect(kernels(deeper)[name]).toEqual(kernels(model)[name])
      }),
    )
  })

  test('have deviation √(2 / fan-in)', () => {
    withModel(plain({ widths: [[64], [64]] }), (model) => {
      const kernel = tf.tensor1d(kernels(model)['stage2/block1/conv/kernel']!)
      const { mean, variance } = tf.moments(kernel)
      expect(mean.dataSync()[0]).toBeCloseTo(0, 3)
      expect(variance.dataSync()[0]! / (2 / (9 * 64))).toBeCloseTo(1, 1)
    })
  })

  test('are zeros if requested', () => {
    withModel(plain({ widths, weights: 'zeros' }), (model) => {
      expect(
        Object.values(kernels(model))
          .flat()
          .every((value) => value === 0),
      ).toBe(true)
    })
  })
})

test.each([
  [{ widths: [] }, 'plain: expected widths to be stages of positive integers, got []'],
  [{ widths: [[8], []] }, 'plain: expected widths'],
  [{ widths: [[0.5]] }, 'plain: expected widths'],
  [
    { inputShape: [4, 4, 3] },
    'plain: expected inputShape to be at least 8 pixels high and wide for 4 stages, got [4,4,3]',
  ],
  [{ classes: 0 }, 'plain: expected classes to be a positive integer, got 0'],
  [{ momentum: 1 }, 'plain: expected momentum to be a number in [0, 1), got 1'],
  [{ seed: -1 }, 'plain: expected seed to be an integer in [0, 4294967295], got -1'],
  [{ dropout: 1 }, 'plain: expected dropout to be a number in [0, 1), got 1'],
  [{ dropout: -0.5 }, 'plain: expected dropout to be a number in [0, 1), got -0.5'],
  [{ weights: 'ones' }, "plain: expected weights to be 'random' or 'zeros', got ones"],
  [{ classes: '10' }, 'plain: expected classes to be a positive integer, got 10'],
  [{ dropout: '0.5' }, 'plain: expected dropout to be a number in [0, 1), got 0.5'],
  [{ momentum: null }, 'plain: expected momentum to be a number in [0, 1), got null'],
  [{ batchNorm: 'no' }, 'plain: expected batchNorm to be true or false, got no'],
  [{ widths: ['8'] }, 'plain: expected widths to be stages of positive integers, got ["8"]'],
  [{ inputShape: '8' }, 'plain: expected inputShape to be height, width and channels, positive'],
  [{ width: [[8]] }, 'plain: expected options to be some of inputShape, classes, seed, momentum'],
])('rejects %j', (options, message) => {
  expect(() => plain(options as never)).toThrow(message)
})

test('models are created by name', () => {
  expect(modelNames).toContain('plain')
  withModel(createModel('plain', { widths: [[2]], classes: 3 }), (model) => {
    expect(model.name).toBe('plain')
    expect(model.outputs[0]!.shape).toEqual([null, 3])
  })
  expect(() => createModel('resnet-7' as never)).toThrow(
    /expected name to be one of plain, .*got resnet-7/,
  )
})
