import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { expectEqual, generator, on } from './compare.ts'

const shapes = 200

test('the gradients of convolutions equal the cpu backend, on random shapes', async () => {
  const random = generator(1)
  for (let i = 0; i < shapes; i++) {
    const kernel: [number, number] = [random.integer(1, 5), random.integer(1, 5)]
    const strides: [number, number] = [random.integer(1, 3), random.integer(1, 3)]
    const size = [random.integer(kernel[0], 11), random.integer(kernel[1], 11)] as const
    const channels = [random.integer(1, 9), random.integer(1, 17)] as const
    const pad = random.pick([
      'same',
      'valid',
      [
        [0, 0],
        [random.integer(0, kernel[0] - 1), random.integer(0, kernel[0] - 1)],
        [random.integer(0, kernel[1] - 1), random.integer(0, kernel[1] - 1)],
        [0, 0],
      ] as [[number, number], [number, number], [number, number], [number, number]],
    ] as const)
    const inputShape = [random.integer(1, 4), ...size, channels[0]] as [
      number,
      number,
      number,
      number,
    ]
    const filterShape = [...kernel, ...channels] as [number, number, number, number]
    const x = random.values(inputShape)
    const filter = random.values(filterShape)
    const label = JSON.stringify({ inputShape, filterShape, strides, pad })
    await expectEqual(label, () => {
      const convolve = (x: tf.Tensor4D, filter: tf.Tensor4D) =>
        tf.conv2d(x, filter, strides, pad as 'same')
      const y = convolve(tf.tensor(x, inputShape), tf.tensor(filter, filterShape))
      const dy = tf.tensor(generator(i).values(y.shape), y.shape)
      const gradients = tf.grads(convolve as never)
      return [y, ...gradients([tf.tensor(x, inputShape), tf.tensor(filter, filterShape)], dy)]
    })
  }
})

test('the gradients of depthwise convolutions equal the cpu backend, on random shapes', async () => {
  const random = generator(2)
  for (let i = 0; i < shapes; i++) {
    const kernel: [number, number] = [random.integer(1, 4), random.integer(1, 4)]
    const strides = random.integer(1, 2)
    const channels = random.integer(1, 9)
    const inputShape = [
      random.integer(1, 3),
      random.integer(kernel[0], 9),
      random.integer(kernel[1], 9),
      channels,
    ] as [number, number, number, number]
    const filterShape = [...kernel, channels, random.integer(1, 3)] as [
      number,
      number,
      number,
      number,
    ]
    const pad = random.pick(['same', 'valid'] as const)
    const x = random.values(inputShape)
    const filter = random.values(filterShape)
    await expectEqual(JSON.stringify({ inputShape, filterShape, strides, pad }), () => {
      const convolve = (x: tf.Tensor4D, filter: tf.Tensor4D) =>
        tf.depthwiseConv2d(x, filter, strides, pad)
      const y = convolve(tf.tensor(x, inputShape), tf.tensor(filter, filterShape))
      const dy = tf.tensor(generator(i).values(y.shape), y.shape)
      return tf.grads(convolve as never)(
        [tf.tensor(x, inputShape), tf.tensor(filter, filterShape)],
        dy,
      )
    })
  }
})

test('matMul and its gradients equal the cpu backend, on random shapes', async () => {
  const random = generator(3)
  for (let i = 0; i < shapes; i++) {
    const [rows, inner, columns] = [
      random.integer(1, 40),
      random.integer(1, 40),
      random.integer(1, 40),
    ]
    const [transposeA, transposeB] = [random.pick([true, false]), random.pick([true, false])]
    const batch = random.pick([[], [1], [3], [2, 2]])
    const a = [...batch, ...(transposeA ? [inner, rows] : [rows, inner])]
    const b = [...batch, ...(transposeB ? [columns, inner] : [inner, columns])]
    const [aValues, bValues] = [random.values(a), random.values(b)]
    await expectEqual(JSON.stringify({ a, b, transposeA, transposeB }), () => {
      const multiply = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, transposeA, transposeB)
      const y = multiply(tf.tensor(aValues, a), tf.tensor(bValues, b))
      const dy = tf.tensor(generator(i).values(y.shape), y.shape)
      return [y, ...tf.grads(multiply)([tf.tensor(aValues, a), tf.tensor(bValues, b)], dy)]
    })
  }
})

test('gather and its gradient equal the cpu backend, on random shapes', async () => {
  const random = generator(4)
  for (let i = 0; i < shapes; i++) {
    const shape = Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 7))
    if (random.pick([true, false, false])) shape.push(random.pick([70, 96]))
    const axis = random.integer(0, shape.length - 1)
    const indices = Int32Array.from({ length: random.integer(1, 12) }, () =>
      random.integer(0, shape[axis]! - 1),
    )
    const x = random.values(shape)
    await expectEqual(JSON.stringify({ shape, axis, indices: [...indices] }), () => {
      const gather = (x: tf.Tensor) => tf.gather(x, tf.tensor1d(indices, 'int32'), axis)
      const y = gather(tf.tensor(x, shape))
      const dy = tf.tensor(generator(i).values(y.shape), y.shape)
      return [y, tf.grad(gather)(tf.tensor(x, shape), dy)]
    })
  }
})

test('gather takes integers and batch dimensions, and names an index that is out of range', async () => {
  await expectEqual('int32', () =>
    tf.gather(tf.tensor1d([5, 6, 7], 'int32'), tf.tensor1d([2, 0], 'int32')),
  )
  await expectEqual('batchDims', () =>
    tf.gather(
      tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]),
      tf.tensor2d([2, 0, 1, 1], [2, 2], 'int32'),
      1,
      1,
    ),
  )
  await expect(
    on('wasm', () => tf.gather(tf.tensor1d([1, 2]), tf.tensor1d([2], 'int32'))),
  ).rejects.toThrow('the index value 2 is not in [0, 1]')
})

test('reverse, sum and mean equal the cpu backend, on random shapes', async () => {
  const random = generator(5)
  for (let i = 0; i < shapes; i++) {
    const shape = Array.from({ length: random.integer(1, 5) }, () => random.integer(1, 7))
    const axes = shape.map((_, axis) => axis).filter(() => random.pick([true, false]))
    const keepDims = random.pick([true, false])
    const x = random.values(shape)
    await expectEqual(JSON.stringify({ shape, axes, keepDims }), () => {
      const value = tf.tensor(x, shape)
      return [
        tf.reverse(value, axes),
        tf.sum(value, axes, keepDims),
        tf.mean(value, axes, keepDims),
      ]
    })
  }
})
