// Convolutions and matrix products in bfloat16.
import * as tf from '@tensorflow/tfjs-core'
import { afterEach, describe, expect, test } from 'vitest'
import type { NativeBackend } from '../src/backend.ts'
import { hasMatrixOps, multipliesPairs } from '../src/load.ts'
import { isFasterIn16 } from '../src/precision.ts'
import { isBfloat16 } from '../src/tensors.ts'
import { type Input, type Operation, batchNorm, draws, withGradients } from './compare.ts'
import { installed, recordOps } from './native.ts'

const capable = isFasterIn16()
if (installed && !capable)
  console.warn('The tests of bfloat16 are skipped: this processor does not support it.')

const set = (precision: string): void => tf.env().set('COMPUTE_PRECISION', precision)
const in16 = (tensor: tf.Tensor): boolean => isBfloat16(tf.backend() as NativeBackend, tensor)

/** The norm of the difference, relative to the expected values' norm. */
function errorOf(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const norm = (values: ArrayLike<number>): number =>
    Math.sqrt(Array.from(values).reduce((sum, value) => sum + value ** 2, 0))
  return norm(Array.from(expected, (value, i) => value - actual[i]!)) / norm(expected)
}

/** The errors in bfloat16 of a convolution and of its gradients. */
function errorsOf(
  inputs: readonly [x: Input, filter: Input],
  strides: number,
  pad: 'same' | 'valid' | number,
): number[] {
  return tf.tidy(() => {
    const convolve: Operation = (x, filter) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad)
    const [expected, actual] = ['float32', 'bfloat16'].map((precision) => {
      set(precision)
      return withGradients(convolve, inputs).map((each) => each.dataSync())
    })
    return expected!.map((each, i) => errorOf(actual![i]!, each))
  })
}

/** The kinds of layers in a residual network. */
function network([x, w, v, gamma, beta, dense]: tf.Tensor[]): tf.Tensor {
  const normalize = batchNorm(1e-3)
  const first = tf.relu(
    normalize(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'), gamma!, beta!),
  )
  const second = tf.relu(
    tf.add(first, tf.conv2d(first as tf.Tensor4D, v as tf.Tensor4D, 1, 'same')),
  )
  const pooled = tf.mean(tf.maxPool(second as tf.Tensor4D, 2, 2, 'valid'), [1, 2])
  return tf.matMul(pooled, dense as tf.Tensor2D)
}

const inputs = (): tf.Tensor[] => {
  const draw = draws('bfloat16', 0)
  return [[4, 8, 8, 8], [3, 3, 8, 16], [3, 3, 16, 16], [16], [16], [16, 10]].map((shape) => {
    const { values } = draw.input(...shape)
    return tf.tensor(values, shape)
  })
}

describe.skipIf(!installed)('the precision to compute in', () => {
  afterEach(async () => {
    set('float32')
    await tf.setBackend('cpu')
  })

  test('rejects other names', () => {
    expect(() => set('float16')).toThrow(
      'native: expected COMPUTE_PRECISION to be float32 or bfloat16, got float16',
    )
  })

  test('is float32 on other backends', () => {
    expect(() => set('bfloat16')).toThrow(
      'expected tensorflow to be the backend for bfloat16, got cpu',
    )
  })

  test.skipIf(capable)('is rejected where float32 is faster', async () => {
    await tf.setBackend('tensorflow')
    expect(() => set('bfloat16')).toThrow('float32 is faster here')
  })

  describe.skipIf(!capable)('bfloat16', () => {
    test("gives float32's gradients within the precision of 8 bits", async () => {
      await tf.setBackend('tensorflow')
      const before = tf.memory().numTensors
      tf.tidy(() => {
        const dy = tf.tensor(draws('dy', 0).input(4, 10).values, [4, 10])
        const results = ['float32', 'bfloat16'].map((precision) => {
          set(precision)
          const all = inputs()
          const y = network(all)
          return [y, ...tf.grads((...each) => network(each))(all, dy)].map((each) =>
            each.dataSync(),
          )
        })
        for (const [i, expected] of results[0]!.entries()) {
          const error = errorOf(results[1]![i]!, expected)
          // A rounding may change which of four pixels is the largest, and gets the gradient; Winograd's algorithm rounds more.
          expect(error, `output ${i}`).toBeLessThan(multipliesPairs() ? 0.3 : 0.1)
          expect(error, `output ${i}`).toBeGreaterThan(0)
        }
      })
      expect(tf.memory().numTensors).toBe(before)
    })

    test('convolves many channels at few positions with a matrix of windows', async () => {
      await tf.setBackend('tensorflow')
      for (let i = 0; i < 40; i++) {
        const draw = draws('windows', i)
        const kernel = [draw.within(1, 3), draw.within(1, 3)]
        const strides = draw.within(1, 2)
        const pad = draw.pick(['same', 'valid'] as const)
        const size = kernel.map((length) => draw.within(length, 7))
        const x = draw.input(draw.within(1, 4), ...size, 128)
        const filter = draw.input(...kernel, 128, 32)
        for (const [j, error] of errorsOf([x, filter], strides, pad).entries()) {
          const label = JSON.stringify([x.shape, filter.shape, strides, pad, j])
          expect(error, label).toBeLessThan(0.02)
        }
      }
    })

    // Few and many tiles, an odd number of them, and channels that don't fill vectors.
    test.skipIf(!multipliesPairs())(
      "Winograd's algorithm has four times the error of plain products",
      async () => {
        await tf.setBackend('tensorflow')
        for (let i = 0; i < 40; i++) {
          const draw = draws('winograd', i)
          const channels = draw.pick([16, 24, 37, 64, 144, 300])
          const x = draw.input(draw.within(1, 9), draw.within(3, 11), draw.within(3, 11), channels)
          const filter = draw.input(3, 3, channels, draw.pick([16, 17, 40, 48, 84]))
          const pad = draw.pick(['same', 'valid', 1, 2] as const)
          for (const [j, error] of errorsOf([x, filter], 1, pad).entries()) {
            const label = JSON.stringify([x.shape, filter.shape, pad, j])
            expect(error, label).toBeLessThan(0.025)
            expect(error, label).toBeGreaterThan(0)
          }
        }
      },
    )

    test.skipIf(!hasMatrixOps())("the matrix unit's filter gradient is exact", async () => {
      for (let i = 0; i < 200; i++) {
        const draw = draws('matrix unit', i)
        const kernel = [draw.within(1, 5), draw.within(1, 5)] as const
        const pair = (length: number) => [draw.within(0, length), draw.within(0, length)] as const
        const pads = [[0, 0], pair(kernel[0]), pair(kernel[1]), [0, 0]]
        const pad = draw.pick(['same', 'valid', pads]) as Parameters<typeof tf.conv2d>[3]
        // Some larger than a group of images, so that groups, blocks and threads end in the middle.
        const largest = draw.pick([6, 12, 40])
        const [height, width] = kernel.map((length) => draw.within(length, largest))
        const x = [draw.within(1, draw.pick([3, 40])), height!, width!, draw.within(1, 40)]
        const filterShape = [...kernel, x[3]!, draw.within(1, 50)]
        const info = tf.backend_util.computeConv2DInfo(
          x as [number, number, number, number],
          filterShape as [number, number, number, number],
          1,
          1,
          pad,
        )
        // Eighths need at most 8 bits, and sums of their products at most 24.
        const eighths = (shape: number[]) =>
          Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => draw.integer(-8, 9) / 8)
        const values = [eighths(x), eighths(info.outShape)] as const
        const results: tf.TypedArray[] = []
        for (const backend of ['wasm', 'tensorflow']) {
          await tf.setBackend(backend)
          if (backend === 'tensorflow') set('bfloat16')
          tf.tidy(() => {
            const given = { x: tf.tensor(values[0], x), dy: tf.tensor(values[1], info.outShape) }
            const attrs = { strides: 1, pad, dataFormat: 'NHWC', filterShape }
            const run = tf.engine().runKernel<tf.Tensor>('Conv2DBackpropFilter', given, attrs)
            results.push(run.dataSync())
          })
          if (backend === 'tensorflow') set('float32')
        }
        expect(results[1], JSON.stringify([x, filterShape, pad])).toEqual(results[0])
      }
    })

    test('is kept between layers, and converted where float32 is needed', async () => {
      await tf.setBackend('tensorflow')
      set('bfloat16')
      tf.tidy(() => {
        const [x, w, , gamma, beta] = inputs() as tf.Tensor4D[]
        const y = tf.conv2d(x!, w!, 1, 'same')
        const [normal, mean] = tf
          .engine()
          .runKernel<tf.Tensor[]>(
            'BatchNormTraining',
            { x: y, gamma: gamma!, beta: beta! },
            { epsilon: 1e-3 },
          )
        const relu = tf.relu(normal!)
        const kept = [
          y,
          normal!,
          relu,
          tf.add(relu, y),
          tf.maxPool(relu as tf.Tensor4D, 2, 2, 'same'),
        ]
        for (const tensor of [...kept, tf.reshape(relu, [-1])]) {
          expect(tensor.dtype).toBe('float32')
          expect(in16(tensor)).toBe(true)
        }
        for (const tensor of [mean!, tf.mul(y, 1), tf.sum(relu), tf.add(y, tf.mul(y, 1)), x!])
          expect(in16(tensor)).toBe(false)
      })
    })

    test('the gradient of a mean has a gradient', async () => {
      await tf.setBackend('tensorflow')
      set('bfloat16')
      tf.tidy(() => {
        const x = tf.tensor2d([
          [1, 2],
          [3, 4],
        ])
        const squared = (each: tf.Tensor): tf.Tensor =>
          tf.square(tf.mean(tf.matMul(each as tf.Tensor2D, tf.eye(2))))
        // The gradient is half of the mean everywhere, and that of its sum 1/2.
        const sum = (each: tf.Tensor): tf.Tensor => tf.sum(tf.grad(squared)(each))
        expect([...tf.grad(sum)(x).dataSync()]).toEqual([0.5, 0.5, 0.5, 0.5])
      })
    })

    test('rounds to exactly 8 bits, wherever it is read', async () => {
      await tf.setBackend('tensorflow')
      set('bfloat16')
      const y = tf.matMul(tf.tensor2d([[1 + 2 ** -7, 1 + 2 ** -10, 3]]), tf.eye(3))
      const expected = [1 + 2 ** -7, 1, 3]
      expect([...y.dataSync()]).toEqual(expected)
      expect([...(await y.data())]).toEqual(expected)
      await tf.setBackend('cpu')
      expect([...tf.add(y, 0).dataSync()]).toEqual(expected)
      y.dispose()
    })

    test('trains weights that stay in float32', async () => {
      await tf.setBackend('tensorflow')
      set('bfloat16')
      const [images, ...weights] = inputs()
      const variables = weights.map((weight) => tf.variable(weight))
      const targets = tf.oneHot(tf.tensor1d([1, 2, 3, 4], 'int32'), 10)
      const optimizer = tf.train.momentum(0.05, 0.9)
      const step = () =>
        optimizer.minimize(
          () => tf.losses.softmaxCrossEntropy(targets, network([images!, ...variables])),
          true,
          variables,
        )!
      const losses = Array.from({ length: 30 }, () => tf.tidy(() => step().dataSync()[0]!))
      expect(losses.at(-1)! / losses[0]!).toBeLessThan(0.2)
      for (const variable of variables) expect(in16(variable)).toBe(false)
      optimizer.dispose()
      tf.dispose([images!, targets, ...weights, ...variables])
    })
  })
})

test.skipIf(!installed)('the gradient by the images is computed only on request', async () => {
  await tf.setBackend('tensorflow')
  const ops = recordOps()
  const gradients = () => ops.names.filter((op) => op === 'Conv2DBackpropInput')
  const before = tf.memory().numTensors
  tf.tidy(() => {
    const [x, w] = inputs() as tf.Tensor4D[]
    const f = (images: tf.Tensor4D, filter: tf.Tensor4D) =>
      tf.fused.conv2d({ x: images, filter, strides: 1, pad: 'same' })
    tf.grad((filter) => f(x!, filter as tf.Tensor4D))(w!)
    expect(gradients()).toHaveLength(0)
    const dx = tf.grad((images) => f(images as tf.Tensor4D, w!))(x!)
    expect(gradients()).toHaveLength(0)
    dx.dataSync()
    expect(gradients()).toHaveLength(1)
  })
  expect(tf.memory().numTensors).toBe(before)
  ops.stop()
  await tf.setBackend('cpu')
})
