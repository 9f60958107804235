import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { batchNorm } from '@tricks/batch-norm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { filterGradientProduct, inputGradientProducts } from '../src/convolution.ts'
import { countProduct, multiply, type Product, type ProductCount } from '../src/product.ts'
import { expectEqual, on, present, values, withGradients } from './compare.ts'

type Size4 = [number, number, number, number]

afterEach(async () => {
  await tf.setBackend('cpu')
})

/**
 * Images, filter, stride and padding: a single channel and odd numbers of channels, sides that split the inner axis.
 */
const convolutions: [x: Size4, filter: Size4, stride: number, pad: 'same' | 'valid' | number][] = [
  [[2, 8, 8, 3], [3, 3, 3, 16], 1, 'same'],
  [[1, 7, 5, 5], [3, 2, 5, 7], 2, 'same'],
  [[2, 6, 6, 1], [5, 5, 1, 10], 1, 'valid'],
  [[3, 5, 5, 20], [1, 1, 20, 33], 2, 'valid'],
  [[4, 12, 12, 8], [3, 3, 8, 8], 1, 2],
  [[1, 3, 3, 1], [3, 3, 1, 1], 1, 'valid'],
  // Positions that no filter tap reaches, fewer positions than strides, and an inner axis in slices.
  [[2, 7, 4, 3], [2, 1, 3, 5], 3, 'valid'],
  [[2, 2, 2, 4], [1, 1, 4, 6], 3, 'valid'],
  [[1, 4, 4, 6], [3, 3, 6, 64], 1, 'same'],
]

describe.skipIf(!present)('on webgpu, equal to cpu:', () => {
  test.each(convolutions)(
    'convolution of %j by %j, stride %i, %s',
    async (x, filter, stride, pad) => {
      await expectEqual(
        withGradients(
          (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad),
          [x, filter],
        ),
      )
    },
  )

  test('rectifiers, with values at their bounds', async () => {
    const x = (): tf.Tensor => tf.tensor([-1, 0, 1e-30, 3, 5.5, 6.5, 7, -0])
    await expectEqual(() => [
      tf.grad((a) => tf.relu(a))(x()),
      tf.grad((a) => tf.relu6(a))(x()),
      tf.grad((a) => tf.square(tf.relu(a)))(x()),
    ])
  })

  test('the gradient of relu6 is 0 at both of its bounds', async () => {
    const [gradient] = await on('webgpu', () => [tf.grad((a) => tf.relu6(a))(tf.tensor([0, 3, 6]))])
    expect(gradient!.values).toEqual([0, 1, 0])
  })

  test.each<[number, number, 'same' | 'valid']>([
    [2, 2, 'same'],
    [3, 2, 'same'],
    [2, 3, 'valid'],
    [3, 1, 'valid'],
  ])('pooling with windows of %i, stride %i, %s', async (window, stride, pad) => {
    const shape = [2, 7, 8, 3]
    // Rectified, so that windows have several maxima.
    const rectified = (x: tf.Tensor): tf.Tensor4D => tf.relu(x as tf.Tensor4D)
    await expectEqual(withGradients((x) => tf.maxPool(rectified(x), window, stride, pad), [shape]))
    // On cpu, the gradient of average pooling counts the padding, but the forward pass does not.
    await expectEqual(
      withGradients((x) => tf.avgPool(x as tf.Tensor4D, window, stride, 'valid'), [shape]),
    )
  })

  test.each([[[2, 3, 5, 7]], [[16, 8, 8, 20]], [[9, 70]]])(
    'batch normalisation of %j with batch statistics',
    async (shape) => {
      await expectEqual(() => {
        const layer = batchNorm()
        layer.build(shape)
        const normalize = (x: tf.Tensor): tf.Tensor =>
          layer.apply(x, { training: true }) as tf.Tensor
        const results = withGradients(normalize, [shape])()
        const weights = layer.getWeights().map((weight) => tf.clone(weight))
        for (const weight of layer.weights) weight.dispose()
        return [...results, ...weights]
      }, 2e-5)
    },
  )

  test('batch normalisation with given statistics', async () => {
    await expectEqual(
      withGradients(
        (x, mean, variance, offset, scale) =>
          tf.batchNorm(x, mean, tf.square(variance), offset, scale, 0.1),
        [[3, 4, 4, 6], [6], [6], [6], [6]],
      ),
    )
  })

  test('the variance of values far from 0', async () => {
    const [result] = await on('webgpu', () => {
      const x = tf.add(tf.tensor(values([4096, 3], 5), [4096, 3]), 1000)
      const inputs = { x, gamma: tf.ones([3]), beta: tf.zeros([3]) }
      const attrs = { epsilon: 1e-5 }
      return [tf.engine().runKernel<tf.Tensor[]>('BatchNormTraining', inputs, attrs)[2]!]
    })
    for (const variance of result!.values) expect(Math.abs(variance - 1 / 3)).toBeLessThan(0.01)
  })

  test('sums and means over all axes but the last', async () => {
    const x = (): tf.Tensor => tf.tensor(values([64, 5, 3, 9], 3), [64, 5, 3, 9])
    await expectEqual(() => [
      tf.sum(x(), [0, 1, 2]),
      tf.mean(x(), [0, 1, 2], true),
      tf.sum(x(), [0, 1]),
      tf.sum(x()),
    ])
  })

  test('other operations of tricks: a transform, a gather with its gradient, top k', async () => {
    await expectEqual(() => [
      tf.image.transform(
        // With one image, as cpu only transforms the first image of a batch.
        tf.tensor4d(values([1, 6, 5, 3], 1), [1, 6, 5, 3]),
        tf.tensor2d([[0.8, -0.6, 2, 0.6, 0.8, -1, 0, 0]]),
        'bilinear',
      ),
      ...withGradients((x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')), [[3, 4]])(),
      tf.topk(tf.tensor2d(values([3, 8], 2), [3, 8]), 3).values,
    ])
  })
})

test.skipIf(!present)(
  'the gradient of average pooling excludes padding, like the forward pass',
  async () => {
    const [gradient] = await on('webgpu', () => [
      tf.grad((x) => tf.avgPool(x as tf.Tensor4D, 3, 3, 'same'))(tf.ones([1, 2, 2, 1])),
    ])
    expect(gradient!.values).toEqual([0.25, 0.25, 0.25, 0.25])
  },
)

describe('the tiled gradients of a convolution', () => {
  test.skipIf(!present)('are used by a training step', async () => {
    await tf.setBackend('webgpu')
    const run = vi.spyOn(tf.backend() as WebGPUBackend, 'runWebGPUProgram')
    tf.tidy(() => {
      const inputs = [tf.zeros([1, 4, 4, 3]), tf.zeros([3, 3, 3, 5])] as const
      tf.grads((x, filter) =>
        tf.sum(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same')),
      )([...inputs])
    })
    const products = run.mock.calls
      .map(([{ shaderKey }]) => /^tricks product (\w+) gradient/.exec(shaderKey)?.[1])
      .filter(Boolean)
    run.mockRestore()
    expect(new Set(products)).toEqual(new Set(['filter', 'input']))
  })

  /** The shaders' own counts: each thread atomically adds what it computed and read. */
  async function counted(products: readonly Product[]): Promise<ProductCount> {
    const backend = tf.backend() as WebGPUBackend
    let [multiplyAdds, reads] = [0, 0]
    for (const product of products) {
      const { dataId } = multiply({ backend }, product, { counts: true })
      const counts = (await backend.read(dataId)) as Int32Array
      backend.disposeData(dataId)
      multiplyAdds += counts[0]!
      reads += counts[1]!
    }
    return { multiplyAdds, reads }
  }

  const total = (products: readonly Product[]): ProductCount =>
    products.map(countProduct).reduce((a, b) => ({
      multiplyAdds: a.multiplyAdds + b.multiplyAdds,
      reads: a.reads + b.reads,
    }))

  test.skipIf(!present)(
    'continue in the next dimension if one has too few workgroups',
    async () => {
      await tf.setBackend('webgpu')
      const backend = tf.backend() as WebGPUBackend
      // 243 positions are four tiles of 64: two by two, or three and one.
      const inputs = {
        dy: tf.tensor(values([3, 9, 9, 2], 1), [3, 9, 9, 2]),
        filter: tf.tensor(values([1, 1, 9, 2], 2), [1, 1, 9, 2]),
      }
      const attrs = { strides: 1, pad: 'same', inputShape: [3, 9, 9, 9] }
      const [product] = inputGradientProducts({ inputs, attrs, backend })
      const read = async (widest?: number): Promise<tf.BackendValues> => {
        const { dataId } = multiply({ backend }, product!, { widest })
        const numbers = await backend.read(dataId)
        backend.disposeData(dataId)
        return numbers
      }
      const expected = await read()
      expect((expected as Float32Array).some((value) => value !== 0)).toBe(true)
      expect(await read(2)).toEqual(expected)
      expect(await read(3)).toEqual(expected)
      tf.dispose(inputs)
    },
  )

  test.skipIf(!present).each(convolutions)(
    "counts the shaders' work: %j by %j, stride %i, %s",
    async (x, filterShape, strides, pad) => {
      await tf.setBackend('webgpu')
      const backend = tf.backend() as WebGPUBackend
      const { outShape } = tf.backend_util.computeConv2DInfo(x, filterShape, strides, 1, pad)
      const inputs = { x: tf.zeros(x), dy: tf.zeros(outShape), filter: tf.zeros(filterShape) }
      const attrs = { strides, pad, filterShape, inputShape: x }
      const call = { inputs, attrs, backend }
      for (const products of [[filterGradientProduct(call)], inputGradientProducts(call)])
        expect(await counted(products)).toEqual(total(products))
      tf.dispose(inputs)
    },
  )

  test('with a stride, each input position only uses the filter taps that reach it', () => {
    const taps = (side: number, strides: number): number[] => {
      const inputs = { dy: tf.zeros([2, 4, 4, 5]), filter: tf.zeros([side, side, 3, 5]) }
      const attrs = { strides, pad: 'same', inputShape: [2, 4 * strides, 4 * strides, 3] }
      const products = inputGradientProducts({ inputs, attrs, backend: tf.backend() as never })
      tf.dispose(inputs)
      for (const { rows } of products) expect(rows).toBe(2 * 4 * 4)
      return products.map(({ inner }) => inner / 5)
    }
    expect(taps(3, 1)).toEqual([9])
    // Instead of 4 times 9 for a product of all positions and all taps.
    expect(taps(3, 2)).toEqual([4, 2, 2, 1])
    expect(taps(1, 2)).toEqual([1, 0, 0, 0])
  })

  test('does at most twice the arithmetic, of any shape', () => {
    for (let rows = 1; rows <= 150; rows++)
      for (let columns = 1; columns <= 150; columns += 1 + (rows % 3)) {
        const { multiplyAdds } = countProduct({ rows, columns, inner: 20 })
        expect(multiplyAdds / (rows * columns * 20), `${rows} × ${columns}`).toBeLessThanOrEqual(2)
      }
  })

  test.each([
    // The 3x3 filters of a ResNet-18 and of the small networks here: 3 to 16, 32 to 32, 64 to 64, 512 to 512 channels.
    { rows: 27, columns: 16, inner: 128 * 32 * 32, tile: [32, 16], work: 1.2 },
    { rows: 288, columns: 32, inner: 128 * 32 * 32, tile: [64, 32], work: 1.12 },
    { rows: 576, columns: 64, inner: 128 * 16 * 16, tile: [64, 64], work: 1 },
    { rows: 4608, columns: 512, inner: 128 * 4 * 4, tile: [64, 64], work: 1 },
  ])(
    'reads $rows × $columns outputs once per tile of $tile',
    ({ rows, columns, inner, tile, work }) => {
      const { multiplyAdds, reads } = countProduct({ rows, columns, inner })
      const [high, wide] = tile as [number, number]
      expect(multiplyAdds / (rows * columns * inner)).toBeLessThan(work + 0.01)
      // One value per row for all columns of a tile, and one per column for all rows; without tiles, 2 per output.
      const tiled = inner * (rows * Math.ceil(columns / wide) + columns * Math.ceil(rows / high))
      expect(reads).toBe(tiled)
      expect(reads / (rows * columns * inner)).toBeLessThan(1.2 * (1 / wide + 1 / high))
    },
  )
})
