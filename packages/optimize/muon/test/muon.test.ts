import * as tf from '@tensorflow/tfjs-core'
import { adamw } from '@tricks/adamw'
import {
  expectClose,
  onEachBackend,
  optimizerConformance,
  optimizerSteps,
} from '@tricks/conformance'
import { sgd } from '@tricks/sgd'
import { expect, test } from 'vitest'
import { muon, orthogonalize } from '../src/index.ts'
import fixture from './fixtures/muon.json' with { type: 'json' }

optimizerSteps(
  fixture,
  ({ inner: { name, ...inner }, ...options }) => {
    expect(name).toBe('adamw')
    return muon({ ...options, inner: adamw(inner) })
  },
  { absolute: 1e-5, relative: 1e-4 },
)

optimizerConformance(() => muon({ inner: adamw(), weightDecay: 0.1 }), {
  invalid: [
    () => muon({} as never),
    () => muon({ inner: 'adamw' as never }),
    () => muon({ inner: adamw(), learningRate: -1 }),
    () => muon({ inner: adamw(), learningRate: 0 }),
    () => muon({ inner: adamw(), momentum: 1 }),
    () => muon({ inner: adamw(), nesterov: 1 as never }),
    () => muon({ inner: adamw(), steps: 0 }),
    () => muon({ inner: adamw(), weightDecay: -1 }),
    () => muon({ inner: adamw(), beta1: 0.9 } as never),
  ],
})

/** One step without momentum from 0, with a backend's matrix products. */
function step(
  shape: number[],
  { name, inner = sgd() }: { name?: string; inner?: tf.Optimizer } = {},
): tf.Tensor {
  const size = tf.util.sizeFromShape(shape)
  const gradient = tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(5 * i + 1)),
    shape,
  )
  const weights = tf.variable(tf.zeros(shape), true, name)
  muon({ learningRate: 1, momentum: 0, inner }).applyGradients({ [weights.name]: gradient })
  const moved = tf.neg(weights)
  weights.dispose()
  return moved
}
const norm = (x: tf.Tensor): number => tf.norm(x).dataSync()[0]!

onEachBackend(() => {
  test('brings all singular values near 1, of a wide and of a tall matrix', () => {
    for (const shape of [
      [6, 4],
      [4, 6],
      [5, 5],
      [1, 7],
      [7, 1],
      [1, 1],
    ] as [number, number][]) {
      const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.cos(i * i))
      const near = orthogonalize(tf.tensor2d(values, shape), 5)
      expect(near.shape).toEqual(shape)
      // The squared norm is the sum of the squared singular values.
      const mean = norm(near) / Math.sqrt(Math.min(...shape))
      expect(mean).toBeGreaterThan(0.6)
      expect(mean).toBeLessThan(1.3)
    }
    expectClose(orthogonalize(tf.zeros([3, 2]), 5), tf.zeros([3, 2]))
  })

  test('a matrix with more outputs than inputs takes larger steps, by the root of their ratio', () => {
    const wide = norm(step([2, 18])) / Math.sqrt(2)
    expect(wide).toBeGreaterThan(0.6 * 3)
    expect(wide).toBeLessThan(1.3 * 3)
    expect(norm(step([18, 2])) / Math.sqrt(2)).toBeLessThan(1.3)
  })

  test('treats a filter as a matrix with a column per output, a depthwise one per channel and multiplier', () => {
    const kernel = step([3, 3, 4, 8])
    const matrix = orthogonalize(
      tf.tensor2d(
        Float32Array.from({ length: 288 }, (_, i) => Math.sin(5 * i + 1)),
        [36, 8],
      ),
      5,
    )
    expectClose(tf.reshape(kernel, [36, 8]), matrix)
    const values = Float32Array.from({ length: 54 }, (_, i) => Math.sin(5 * i + 1))
    const own = orthogonalize(tf.tensor2d(values, [9, 6]), 5)
    const depthwise = step([3, 3, 3, 2], { name: 'conv/depthwise_kernel' })
    expectClose(tf.reshape(depthwise, [9, 6]), own)
    // A filter that is higher than wide takes larger steps, as in the authors' code.
    const [high, flat] = [step([3, 1, 2, 2]), step([1, 3, 2, 2])].map(norm)
    expect(high! / flat!).toBeCloseTo(Math.sqrt(3), 4)
  })

  test('the inner optimizer trains tensors of rank 1 or less, at a proportional rate', () => {
    const bias = tf.variable(tf.tensor1d([1, 2]))
    const scale = tf.variable(tf.scalar(3))
    const optimizer = muon({ learningRate: 0.02, inner: tf.train.sgd(0.5) })
    optimizer.setLearningRate(0.01)
    optimizer.applyGradients({
      [bias.name]: tf.tensor1d([1, -1]),
      [scale.name]: tf.scalar(2),
    })
    expectClose(bias, [0.75, 2.25])
    expectClose(scale, 2.5)
  })
})
