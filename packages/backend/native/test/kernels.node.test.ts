import * as tf from '@tensorflow/tfjs-core'
import { hasKernel, runKernel } from '@tricks/kernels'
import { describe, expect, test } from 'vitest'
import {
  type Draw,
  type Input,
  type Operation,
  batchNorm,
  draws,
  expectEqual,
  gelu,
  withGradients,
} from './compare.ts'
import { installed, recordOps } from './native.ts'

const shapes = 50
const cases = (name: string, body: (draw: Draw) => Promise<void>): void => {
  test(name, async () => {
    for (let i = 0; i < shapes; i++) await body(draws(name, i))
  })
}

type Pair = [number, number]
/** A window and strides, square in half of the cases. */
function anyWindow(draw: Draw, largest: number): [Pair, Pair] {
  const square = draw.pick([true, false])
  const pair = (most: number): Pair => {
    const size = draw.within(1, most)
    return [size, square ? size : draw.within(1, most)]
  }
  return [pair(largest), pair(3)]
}

type Pad = 'same' | 'valid' | number
/**
 * Includes paddings that tfjs-node rejects: a number, and pairs of numbers. With a number, tfjs-core computes the width
 * from the height of window and stride, so it is only correct for square ones.
 */
function anyPad(draw: Draw, kernel: readonly number[], strides: readonly number[]): Pad {
  const pair = (size: number) => [draw.within(0, size - 1), draw.within(0, size - 1)]
  const pairs = [[0, 0], pair(kernel[0]!), pair(kernel[1]!), [0, 0]] as unknown as Pad
  const square = kernel[0] === kernel[1] && strides[0] === strides[1]
  const number = square ? [draw.within(0, kernel[0]! - 1)] : []
  return draw.pick<Pad>(['same', 'valid', pairs, ...number])
}

type Shape = [number, number, number, number]
type Info = tf.backend_util.Conv2DInfo

/** The explicit padding that gives the output's size, as tfjs's gradients ignore the rounding mode. */
function explicit(info: Info): Pad {
  const { padInfo } = info
  const after = (out: number, stride: number, length: number, before: number, inside: number) =>
    Math.max(0, (out - 1) * stride + length - before - inside)
  const bottom = after(
    info.outHeight,
    info.strideHeight,
    info.filterHeight,
    padInfo.top,
    info.inHeight,
  )
  const right = after(info.outWidth, info.strideWidth, info.filterWidth, padInfo.left, info.inWidth)
  const pairs = [
    [0, 0],
    [padInfo.top, Math.max(padInfo.bottom, bottom)],
    [padInfo.left, Math.max(padInfo.right, right)],
    [0, 0],
  ]
  return pairs as unknown as Pad
}

type Rounding = 'floor' | 'round' | 'ceil'

/** Only set if the padding is a number, as it is not allowed otherwise. */
const rounding = (draw: Draw, pad: Pad): Rounding | undefined =>
  typeof pad === 'number' ? draw.pick<Rounding>(['floor', 'round', 'ceil']) : undefined

/** Whether rounding up has created a window without pixels. */
function hasEmptyWindow({ padInfo, ...info }: Info): boolean {
  const row = (info.outHeight - 1) * info.strideHeight - padInfo.top
  return (
    row >= info.inHeight || (info.outWidth - 1) * info.strideWidth - padInfo.left >= info.inWidth
  )
}

/** A multiple of 16, which the custom ops require, or any number. */
const anyChannels = (draw: Draw): number => draw.pick([draw.within(1, 13), 16, 48])

const image = (x: tf.Tensor): tf.Tensor4D => x as tf.Tensor4D

describe.skipIf(!installed)('equal to the cpu backend on random shapes, with gradients:', () => {
  cases('convolution', async (draw) => {
    const [kernel, strides] = anyWindow(draw, 5)
    const pad = anyPad(draw, kernel, strides)
    const round = rounding(draw, pad)
    const size = kernel.map((length) => draw.within(length, 11))
    const x = draw.input(draw.within(1, 4), ...size, draw.within(1, 9))
    const filter = draw.input(...kernel, x.shape[3]!, draw.within(1, 19))
    const inNumbers = explicit(
      tf.backend_util.computeConv2DInfo(
        x.shape as Shape,
        filter.shape as Shape,
        strides,
        1,
        pad,
        round,
      ),
    )
    const convolve = (by: Pad, mode?: Rounding) =>
      withGradients(
        (a, b) => tf.conv2d(image(a), image(b), strides, by, 'NHWC', 1, mode),
        [x, filter],
      )
    await expectEqual([x.shape, filter.shape, strides, pad, round], () => convolve(pad, round), {
      reference: () => convolve(inNumbers),
    })
  })

  // By Winograd's algorithm, with whole vectors of channels and others: tiles that extend beyond the image, and more than
  // one block.
  test('3 × 3 convolution of many channels', async () => {
    for (let i = 0; i < 40; i++) {
      const draw = draws('winograd', i)
      const [height, width] = [draw.within(1, 11), draw.within(1, 11)]
      const fits = Math.min(height, width) >= 3
      const pad = draw.pick<Pad>(['same', 1, 2, ...(fits ? (['valid', 0] as const) : [])])
      const channels = draw.pick([16, 24, 37, 64, 144])
      const x = draw.input(draw.within(1, 4), height, width, channels)
      const filter = draw.input(3, 3, channels, draw.pick([16, 17, 40, 48, 84]))
      await expectEqual([x.shape, filter.shape, pad], () =>
        withGradients((a, b) => tf.conv2d(image(a), image(b), 1, pad), [x, filter]),
      )
    }
  })

  // Numbers of channels that fill vectors and panels, and others; several blocks of rows.
  cases('1 × 1 convolution', async (draw) => {
    const some = (): number => draw.pick([draw.within(1, 12), 16, 24, 40, 64, 96, 144, 200])
    const [channels, outputs] = [some(), some()]
    const x = draw.input(draw.within(1, 5), draw.within(1, 9), draw.within(1, 9), channels)
    const filter = draw.input(1, 1, channels, outputs)
    const bias = draw.input(outputs)
    const activation = draw.pick(['linear', 'relu', 'relu6', 'elu'] as const)
    await expectEqual([x.shape, filter.shape, activation], () => [
      ...withGradients((a, b) => tf.conv2d(image(a), image(b), 1, 'same'), [x, filter]),
      tf.fused.conv2d({
        x: image(tf.mul(tf.tensor(x.values, x.shape), 4)),
        filter: image(tf.tensor(filter.values, filter.shape)),
        bias: tf.tensor(bias.values, bias.shape),
        strides: 1,
        pad: 'valid',
        activation,
      }),
    ])
  })

  test.each([
    ['3 × 3', 'large', [5, 111, 65, 16], [3, 3, 16, 128]],
    ['1 × 1', 'pointwise', [3, 128, 128, 8], [1, 1, 8, 96]],
  ])('a %s convolution with a result larger than the caches', async (_, name, size, kernel) => {
    const draw = draws(name, 0)
    const [x, filter] = [draw.input(...size), draw.input(...kernel)]
    await expectEqual(x.shape, () => [
      tf.conv2d(
        image(tf.tensor(x.values, x.shape)),
        image(tf.tensor(filter.values, filter.shape)),
        1,
        'same',
      ),
    ])
  })

  cases('depthwise convolution', async (draw) => {
    const channels = anyChannels(draw)
    // The custom ops support one filter per channel, and any padding.
    const custom = channels % 16 === 0
    const kernel = [draw.within(1, custom ? 6 : 4), draw.within(1, custom ? 6 : 4)]
    const strides = draw.within(1, custom ? 3 : 2)
    const pad = custom
      ? anyPad(draw, kernel, [strides, strides])
      : draw.pick(['same', 'valid'] as const)
    const size = kernel.map((length) => draw.within(length, 13))
    const x = draw.input(draw.within(1, 3), ...size, channels)
    const filter = draw.input(...kernel, channels, custom ? 1 : draw.within(1, 3))
    await expectEqual([x.shape, filter.shape, strides, pad], () =>
      withGradients((a, b) => tf.depthwiseConv2d(image(a), image(b), strides, pad), [x, filter]),
    )
  })

  cases('convolutions fused with bias and activation', async (draw) => {
    const channels = anyChannels(draw)
    const activation = draw.pick(['linear', 'relu', 'relu6', 'elu'] as const)
    const [size, strides] = [draw.within(3, 9), draw.within(1, 2)]
    const x = draw.input(2, size, size, channels)
    const filters = [draw.input(3, 3, channels, 1), draw.input(3, 3, channels, 16)]
    const biases = [draw.input(channels), draw.input(16)]
    // Some values are above 6.
    const scaled = ({ values, shape }: Input): tf.Tensor => tf.mul(tf.tensor(values, shape), 4)
    await expectEqual([x.shape, strides, activation], () => {
      const given = (i: number) => ({
        x: image(scaled(x)),
        filter: image(tf.tensor(filters[i]!.values, filters[i]!.shape)),
        bias: scaled(biases[i]!),
        strides,
        pad: 'same' as const,
        activation,
      })
      return [tf.fused.depthwiseConv2d(given(0)), tf.fused.conv2d(given(1))]
    })
  })

  cases('relu6', async (draw) => {
    const { values, shape } = draw.input(draw.within(1, 40), draw.within(1, 20))
    const x = { values: values.map((value) => value * 9), shape }
    await expectEqual(shape, () => withGradients((a) => tf.relu6(a), [x]))
  })

  cases('pooling', async (draw) => {
    const [window, strides] = anyWindow(draw, 3)
    const size = window.map((length) => draw.within(length, 9))
    const x = draw.input(draw.within(1, 3), ...size, anyChannels(draw))
    const pad = anyPad(draw, window, strides)
    const round = rounding(draw, pad)
    const label = [x.shape, window, strides, pad, round]
    const info = tf.backend_util.computePool2DInfo(x.shape as Shape, window, strides, 1, pad, round)
    if (hasEmptyWindow(info)) return
    const maxPool = (by: Pad, mode?: Rounding) =>
      withGradients((a) => tf.maxPool(image(a), window, strides, by, mode), [x])
    await expectEqual(label, () => maxPool(pad, round), {
      reference: () => maxPool(explicit(info)),
    })
    // On cpu, the gradient of average pooling counts the padding, but the forward pass does not.
    await expectEqual(
      label,
      () => withGradients((a) => tf.avgPool(image(a), window, strides, pad, round), [x]),
      { reference: () => withGradients((a) => averages(a, window, strides, info), [x]) },
    )
  })

  test('max pooling propagates NaN from every pixel of a window', async () => {
    await tf.setBackend('tensorflow')
    tf.tidy(() => {
      for (const place of [0, 1, 2, 3]) {
        const window = [1, 2, 3, 4].map((value, i) => (i === place ? NaN : value))
        const x = tf.mul(tf.tensor(window, [1, 2, 2, 1]), tf.ones([16]))
        const largest = tf.maxPool(image(x), 2, 2, 'valid').dataSync()
        expect([...largest]).toEqual(Array(16).fill(NaN))
      }
    })
    await tf.setBackend('cpu')
  })

  /** Sums of windows divided by the number of their pixels inside the image. */
  function averages(x: tf.Tensor, window: Pair, strides: Pair, info: Info): tf.Tensor {
    const sums = (images: tf.Tensor) =>
      tf.depthwiseConv2d(
        image(tf.pad(images, explicit(info) as unknown as Pair[])),
        tf.ones([...window, x.shape[3]!, 1]),
        strides,
        'valid',
      )
    return tf.div(sums(x), sums(tf.onesLike(x)))
  }

  cases('batch normalisation with given statistics', async (draw) => {
    const channels = anyChannels(draw)
    const x = draw.input(draw.within(1, 4), draw.within(1, 5), draw.within(1, 5), channels)
    const byChannel = Array.from({ length: 4 }, () => draw.input(channels))
    const behind = draw.pick([(y: tf.Tensor) => y, tf.relu])
    await expectEqual(x.shape, () =>
      withGradients(
        (a, mean, variance, offset, scale) =>
          behind(tf.batchNorm(a, mean, tf.square(variance), offset, scale, 0.1)),
        [x, ...byChannel],
      ),
    )
  })

  cases('matrix product', async (draw) => {
    const [rows, inner, columns] = [draw.within(1, 30), draw.within(1, 80), draw.within(1, 140)]
    const [transposeA, transposeB] = [draw.pick([true, false]), draw.pick([true, false])]
    const batch = draw.pick([[], [1], [3], [2, 2]])
    const a = draw.input(...batch, ...(transposeA ? [inner, rows] : [rows, inner]))
    const b = draw.input(...batch, ...(transposeB ? [columns, inner] : [inner, columns]))
    await expectEqual([a.shape, b.shape, transposeA, transposeB], () =>
      withGradients((x, y) => tf.matMul(x, y, transposeA, transposeB), [a, b]),
    )
  })

  cases('gather, slice, reverse, transpose, sum, mean, relu', async (draw) => {
    const shape = Array.from({ length: draw.within(1, 4) }, () => draw.within(1, 6))
    const axes = shape.map((_, axis) => axis)
    const some = axes.filter(() => draw.pick([true, false]))
    const axis = draw.pick(axes)
    const indices = Int32Array.from({ length: draw.within(1, 12) }, () =>
      draw.integer(0, shape[axis]!),
    )
    const begin = shape.map((length) => draw.integer(0, length))
    const size = shape.map((length, i) => draw.within(1, length - begin[i]!))
    const permutation = [...draw.permutation(shape.length)]
    const x = draw.input(...shape)
    await expectEqual({ shape, some, axis, indices, begin, size, permutation }, () =>
      [
        (a: tf.Tensor) => tf.gather(a, tf.tensor1d(indices, 'int32'), axis),
        (a: tf.Tensor) => tf.slice(a, begin, size),
        (a: tf.Tensor) => tf.reverse(a, some),
        (a: tf.Tensor) => tf.transpose(a, permutation),
        (a: tf.Tensor) => tf.sum(a, some),
        (a: tf.Tensor) => tf.mean(a, some),
        (a: tf.Tensor) => tf.relu(a),
      ].flatMap((operation) => withGradients(operation, [x])),
    )
  })

  // With our own op; more than 16,384 values are split among threads.
  cases('the gradient of a mean, and of that gradient', async (draw) => {
    const shape = Array.from({ length: draw.within(1, 4) }, () => draw.within(1, 5))
    const some = shape.flatMap((_, axis) => (draw.pick([true, false]) ? [axis - shape.length] : []))
    const axis = draw.pick([undefined, some.length > 0 ? some : 0, shape.length - 1])
    const keepDims = draw.pick([true, false])
    const x = draw.input(...shape)
    const mean: Operation = (each) => tf.mean(each, axis, keepDims)
    const slope = (each: tf.Tensor): tf.Tensor => tf.grad((input) => tf.square(mean(input)))(each)
    await expectEqual([shape, axis, keepDims], () => [
      ...withGradients(mean, [x]),
      tf.grad((each) => tf.sum(tf.square(slope(each))))(tf.tensor(x.values, x.shape)),
    ])
  })

  cases('gathering rows by index', async (draw) => {
    const rows = draw.input(draw.within(1, 400), draw.pick([1, 2, 3, 4, 7]))
    const count = draw.pick([1, draw.within(2, 300), 20_000])
    const indices = Int32Array.from({ length: count }, () => draw.integer(0, rows.shape[0]!))
    await expectEqual([rows.shape, count], () => [
      tf.gatherND(tf.tensor(rows.values, rows.shape), tf.tensor2d(indices, [count, 1], 'int32')),
    ])
  })

  cases('GELU', async (draw) => {
    const x = draw.input(draw.within(1, draw.pick([20, 20_000])))
    const wide = { ...x, values: x.values.map((value) => value * 12) }
    await expectEqual(x.shape, () => withGradients((a) => gelu(a), [wide]))
  })

  cases('softmax and cross-entropy', async (draw) => {
    const x = draw.input(draw.within(1, 9), draw.within(1, 20))
    const rows = draw.input(...x.shape)
    await expectEqual(x.shape, () => [
      ...withGradients((logits) => tf.logSoftmax(logits), [x]),
      ...withGradients(
        (logits) =>
          tf.losses.softmaxCrossEntropy(tf.softmax(tf.tensor(rows.values, rows.shape)), logits),
        [x],
      ),
    ])
  })

  // cpu's kernel applies the first matrix to the whole batch, so each image is transformed separately here.
  cases('transforms', async (draw) => {
    const x = draw.input(draw.within(1, 4), draw.within(2, 9), draw.within(2, 9), draw.within(1, 4))
    const interpolation = draw.pick(['nearest', 'bilinear'] as const)
    const fillMode = draw.pick(['constant', 'reflect', 'wrap', 'nearest'] as const)
    const size = draw.pick([undefined, [draw.within(1, 9), draw.within(1, 9)] as [number, number]])
    const rows = x.shape[0]!
    const near = [1, 0, 0, 0, 1, 0, 0, 0]
    const matrices = Array.from({ length: rows }, () =>
      near.map((value, i) => (i < 6 ? value + draw.uniform(-0.5, 0.5) : 0)),
    )
    const warp = (images: tf.Tensor, by: number[][]) =>
      tf.image.transform(
        image(images),
        tf.tensor2d(by),
        interpolation,
        fillMode,
        0.25,
        size,
      ) as tf.Tensor
    const images = () => tf.tensor(x.values, x.shape)
    await expectEqual(
      [x.shape, interpolation, fillMode, size, matrices],
      () => [warp(images(), matrices)],
      {
        reference: () => [
          tf.concat(matrices.map((matrix, i) => warp(tf.slice(images(), i, 1), [matrix]))),
        ],
      },
    )
  })

  cases('rotation with an offset', async (draw) => {
    const channels = draw.pick([1, 3, 4])
    const x = draw.input(draw.within(1, 3), draw.within(1, 9), draw.within(1, 9), channels)
    const radians = draw.uniform(-4, 4)
    const colour = [0.1, 0.2, 0.3] as [number, number, number]
    const fill = channels === 1 ? 0.5 : draw.pick([0.5, colour])
    const center = draw.pick([0.5, [draw.uniform(), draw.uniform()] as [number, number]])
    await expectEqual([x.shape, radians, fill, center], () => [
      tf.image.rotateWithOffset(
        tf.tensor4d(x.values, x.shape as [number, number, number, number]),
        radians,
        fill,
        center,
      ),
    ])
  })
})

describe.skipIf(!installed)('batch normalisation with batch statistics', () => {
  cases('equals the composed operations, with gradients', async (draw) => {
    const epsilon = draw.pick([1e-5, 1e-3])
    const channels = anyChannels(draw)
    const shape = draw.pick([
      [draw.within(2, 40)],
      [draw.within(300, 600)],
      [draw.within(2, 6), draw.within(1, 5), draw.within(1, 5)],
      [draw.within(2, 6), draw.within(1, 5)],
    ])
    const x = draw.input(...shape, channels)
    const [gamma, beta] = [draw.input(channels), draw.input(channels)]
    const tensors = () => [x, gamma, beta].map((each) => tf.tensor(each.values, each.shape))
    const upstream = () => tf.reshape(tf.sin(tf.range(1, x.values.length + 1)), x.shape)
    const axes = x.shape.map((_, axis) => axis).slice(0, -1)
    const inputs = () => tensors() as [tf.Tensor, tf.Tensor, tf.Tensor]
    const shortcut = (y: tf.Tensor) => tf.reshape(tf.cos(tf.range(1, y.size + 1)), y.shape)
    // On its own, before an activation, at the end of a residual block, and with another consumer.
    const nets: [Operation, number][] = [
      [(y) => y, 1e-3],
      [(y) => tf.relu(y), 1e-3],
      [(y) => tf.add(tf.relu(y), tf.mul(y, 2)), 1e-3],
      [(y) => tf.relu6(y), 1e-3],
      [(y) => gelu(y), 1e-3],
      [(y) => tf.add(gelu(y), tf.mul(y, 2)), 1e-3],
      [(y) => tf.relu(tf.add(y, shortcut(y))), 1e-3],
      [(y) => tf.relu(tf.add(shortcut(y), tf.relu(y))), 1e-3],
      [(y) => tf.relu(tf.add(y, y)), 1e-3],
      [(y) => residual(tf.add(y, shortcut(y))), 1e-3],
    ]
    for (const [net, tolerance] of nets)
      await expectEqual(
        [x.shape, epsilon, String(net)],
        () => {
          const f = (...all: tf.Tensor[]) => net(batchNorm(epsilon)(...all))
          const [, mean, variance] = tf
            .engine()
            .runKernel<tf.Tensor[]>('BatchNormTraining', named(inputs()), { epsilon })
          return [f(...inputs()), mean!, variance!, ...tf.grads(f)(inputs(), upstream())]
        },
        {
          tolerance,
          reference: () => {
            const f = (...all: tf.Tensor[]) => net(composed(epsilon)(...all))
            const { mean, variance } = tf.moments(inputs()[0], axes)
            return [f(...inputs()), mean, variance, ...tf.grads(f)(inputs(), upstream())]
          },
        },
      )
  })

  cases('equals the composed operations before max pooling, with gradients', async (draw) => {
    const even = draw.pick([true, false])
    const size = (): number => (even ? 2 * draw.within(1, 4) : draw.within(3, 7))
    const x = draw.input(draw.within(2, 4), size(), size(), anyChannels(draw))
    const channels = x.shape[3]!
    // A factor may be negative, and some windows have no value above 0.
    const inputs = [x, draw.input(channels), draw.input(channels)]
    const pool = (y: tf.Tensor, window = 2, pad: 'valid' | 'same' = 'valid'): tf.Tensor =>
      tf.maxPool(image(y), window, 2, pad)
    const nets: Operation[] = [
      (y) => pool(tf.relu(y)),
      (y) => pool(tf.relu(y), 2, 'same'),
      // Without a relu, with another activation, and with windows that overlap.
      (y) => pool(y),
      (y) => pool(gelu(y)),
      (y) => pool(tf.relu(y), 3, 'same'),
      // With other consumers of what is not computed otherwise.
      (y) => {
        const z = tf.relu(y)
        return tf.concat([tf.reshape(pool(z), [-1]), tf.reshape(tf.mul(z, 2), [-1])])
      },
      (y) => tf.concat([pool(tf.relu(y)), pool(tf.mul(y, y))]),
    ]
    for (const net of nets)
      await expectEqual(
        [x.shape, String(net)],
        () => withGradients((...all) => net(batchNorm(1e-3)(...all)), inputs),
        {
          tolerance: 1e-3,
          reference: () => withGradients((...all) => net(composed(1e-3)(...all)), inputs),
        },
      )
  })

  cases(
    'equals the composed operations before a depthwise convolution, with gradients',
    async (draw) => {
      const channels = anyChannels(draw)
      const kernel = [draw.within(1, 5), draw.within(1, 5)]
      const [strides, pad] = [draw.within(1, 3), draw.pick(['same', 'valid'] as const)]
      const size = kernel.map((length) => draw.within(length, 11))
      const x = draw.input(draw.within(2, 4), ...size, channels)
      const filter = draw.input(...kernel, channels, 1)
      const inputs = [x, draw.input(channels), draw.input(channels), filter]
      const convolve = (y: tf.Tensor, by: tf.Tensor) =>
        tf.depthwiseConv2d(image(y), image(by), strides, pad)
      // With an activation between them, without one, and with another consumer of what is not computed otherwise.
      const nets: ((y: tf.Tensor, by: tf.Tensor) => tf.Tensor)[] = [
        (y, by) => convolve(tf.relu6(y), by),
        (y, by) => convolve(tf.relu(y), by),
        (y, by) => convolve(gelu(y), by),
        (y, by) => convolve(y, by),
        (y, by) => {
          const z = tf.relu6(y)
          return tf.concat([tf.reshape(convolve(z, by), [-1]), tf.reshape(tf.mul(z, 2), [-1])])
        },
      ]
      for (const net of nets) {
        const by =
          (normalize: Operation): Operation =>
          (...all) =>
            net(normalize(...all.slice(0, 3)), all[3]!)
        await expectEqual(
          [x.shape, filter.shape, strides, pad, String(net)],
          () => withGradients(by(batchNorm(1e-3)), inputs),
          { tolerance: 1e-3, reference: () => withGradients(by(composed(1e-3)), inputs) },
        )
      }
    },
  )

  /** Batch normalisation of x by gamma and beta. */
  const composed =
    (epsilon: number): Operation =>
    (...inputs) => {
      const [x, gamma, beta] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor]
      const axes = x.shape.map((_, axis) => axis).slice(0, -1)
      const { mean, variance } = tf.moments(x, axes)
      const normalized = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)))
      return tf.add(tf.mul(normalized, gamma), beta)
    }
  const residual = (sum: tf.Tensor) => tf.add(tf.relu(sum), tf.mul(sum, 2))
  const named = ([x, gamma, beta]: tf.Tensor[]) => ({ x: x!, gamma: gamma!, beta: beta! })

  test('gives a depthwise convolution on several threads the same bits, written or not', async () => {
    await tf.setBackend('tensorflow')
    for (const [strides, kernel] of [
      [1, 3],
      [2, 3],
      [1, 5],
      [2, 5],
    ] as const) {
      const draw = draws('threads', strides * kernel)
      const inputs = [draw.input(3, 37, 41, 48), draw.input(48), draw.input(48)]
      const filter = draw.input(kernel, kernel, 48, 1)
      const results = [true, false].map((isWritten) =>
        tf.tidy(() => {
          const net: Operation = (...all) => {
            const z = tf.relu6(batchNorm(1e-3)(...all.slice(0, 3)))
            if (isWritten) z.dataSync()
            return tf.depthwiseConv2d(image(z), image(all[3]!), strides, 'same')
          }
          return withGradients(net, [...inputs, filter]).map((each) => [...each.dataSync()])
        }),
      )
      expect(results[0]).toEqual(results[1])
    }
    await tf.setBackend('cpu')
  })

  /** The ops of a network's forward and backward passes, for inputs and a gradient of ones. */
  async function opsOf(
    net: Operation,
    inputs: number[][],
    output: number[],
  ): Promise<readonly string[]> {
    await tf.setBackend('tensorflow')
    const before = tf.memory().numTensors
    const ops = recordOps()
    tf.tidy(() => {
      tf.grads(net)(
        inputs.map((shape) => tf.ones(shape)),
        tf.ones(output),
      )
    })
    const names = ops.stop()
    expect(tf.memory().numTensors).toBe(before)
    await tf.setBackend('cpu')
    return names
  }

  test('is not written before a depthwise convolution', async () => {
    const net: Operation = (...all) => {
      const z = tf.relu6(batchNorm(1e-3)(...all.slice(0, 3)))
      return tf.depthwiseConv2d(image(z), image(all[3]!), 1, 'same')
    }
    const ops = await opsOf(net, [[2, 4, 4, 16], [16], [16], [3, 3, 16, 1]], [2, 4, 4, 16])
    expect(ops.filter((op) => op.startsWith('Tricks'))).toEqual([
      'TricksMoments',
      'TricksNormalizeDepthwise',
      'TricksDepthwiseInputGrad',
      'TricksNormalizeDepthwiseFilterGrad',
      'TricksNormalizeGrad',
    ])
  })

  test('is one op with a relu and max pooling', async () => {
    const net: Operation = (...all) =>
      tf.maxPool(image(tf.relu(batchNorm(1e-3)(...all))), 2, 2, 'valid')
    const ops = await opsOf(net, [[2, 4, 4, 16], [16], [16]], [2, 2, 2, 16])
    const own = ops.filter((op) => op.startsWith('Tricks') || /Pool|Relu/.test(op))
    expect(own).toEqual(['TricksMoments', 'TricksNormalizePool', 'TricksNormalizePoolGrad'])
  })

  test("uses this backend's own kernel", () => {
    expect(tf.getKernel('BatchNormTraining', 'tensorflow')).toBeDefined()
    expect(tf.getKernel('ReluGrad', 'tensorflow')).toBeDefined()
  })
})

test.skipIf(!installed).for([[-1], [3]])('rejects index %i of three rows', async ([index]) => {
  await tf.setBackend('tensorflow')
  tf.tidy(() => {
    const rows = tf.zeros([3, 3])
    const gather = () => tf.gatherND(rows, tf.tensor2d([[0], [index!]], [2, 1], 'int32'))
    expect(gather).toThrow('expected places in [0, 3)')
  })
  await tf.setBackend('cpu')
})

test.skipIf(!installed).for([[[3, 0]], [[0, 3]]] as const)(
  'gathers nothing from %j',
  async ([shape]) => {
    await tf.setBackend('tensorflow')
    tf.tidy(() => {
      const rows = tf.zeros([...shape])
      expect(() => tf.gatherND(rows, tf.tensor2d([0], [1, 1], 'int32'))).toThrow('is empty')
    })
    await tf.setBackend('cpu')
  },
)

describe.skipIf(!installed)('what steps need', () => {
  cases('sums of tensors', async (draw) => {
    const inputs = Array.from({ length: draw.within(1, 5) }, () =>
      draw.input(draw.within(1, 5), draw.within(0, 70)),
    )
    await expectEqual([inputs.map(({ shape }) => shape)], () => {
      const tensors = inputs.map(({ values, shape }) => tf.tensor(values, shape))
      return hasKernel('Sums')
        ? [runKernel('Sums', tensors)]
        : [tf.stack(tensors.map((tensor) => tf.sum(tensor)))]
    })
  })

  test('a sum is not finite if a value is not', async () => {
    await tf.setBackend('tensorflow')
    for (const bad of [NaN, Infinity, -Infinity])
      for (const at of [0, 15, 16, 39]) {
        const values = Float32Array.from({ length: 40 }, (_, i) => (i === at ? bad : i))
        const sums = runKernel('Sums', [tf.ones([3]), tf.tensor1d(values)])
        expect([...sums.dataSync()]).toEqual([3, bad])
      }
    await tf.setBackend('cpu')
  })

  cases('moving statistics', async (draw) => {
    const channels = draw.within(1, 70)
    const given = Array.from({ length: 4 }, () => draw.input(channels))
    const [momentum, correction] = [draw.uniform(), 1 + draw.uniform()]
    await expectEqual([channels, momentum, correction], () => {
      const [movingMean, movingVariance, mean, variance] = given.map(({ values }) =>
        tf.tensor1d(values),
      ) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
      const inputs = { movingMean, movingVariance, mean, variance }
      if (hasKernel('MoveStatistics'))
        return [...runKernel('MoveStatistics', inputs, { momentum, correction })]
      const move = (moving: tf.Tensor, batch: tf.Tensor) =>
        tf.add(tf.mul(moving, momentum), tf.mul(batch, 1 - momentum))
      return [move(movingMean, mean), move(movingVariance, tf.mul(variance, correction))]
    })
  })
})

describe.skipIf(!installed)('the momentum update', () => {
  /** The gradients of each step; weights and gradients have a tensor per variable. */
  type Steps = { gradients: Input[][]; weights: Input[]; momentum: number; nesterov: boolean }

  function steps({ gradients, weights, momentum, nesterov }: Steps): tf.Tensor[] {
    const variables = weights.map(({ values, shape }) => tf.variable(tf.tensor(values, shape)))
    const optimizer = tf.train.momentum(0.3, momentum, nesterov)
    const results = gradients.flatMap((list, i) => {
      optimizer.setLearningRate(0.3 / (i + 1))
      const named = list.map(({ values, shape }, k) => ({
        name: variables[k]!.name,
        tensor: tf.tensor(values, shape),
      }))
      optimizer.applyGradients(named)
      return variables.map((variable) => variable.clone())
    })
    optimizer.dispose()
    // tfjs's momentum optimizer leaks its rate.
    tf.dispose([...variables, (optimizer as unknown as { c: tf.Scalar }).c])
    return results
  }

  cases('equals tfjs', async (draw) => {
    const sizes = Array.from({ length: draw.within(1, 3) }, () => [
      draw.within(1, 40),
      draw.within(1, draw.pick([3, 3000])),
    ])
    const inputs = () => sizes.map((shape) => draw.input(...shape))
    const options = {
      gradients: Array.from({ length: 3 }, inputs),
      weights: inputs(),
      momentum: draw.uniform(),
      nesterov: draw.pick([true, false]),
    }
    await expectEqual([sizes, options.momentum, options.nesterov], () => steps(options))
  })

  test('is a single op, from the second step on', async () => {
    await tf.setBackend('tensorflow')
    const variable = tf.variable(tf.ones([3]))
    const optimizer = tf.train.momentum(0.1, 0.9)
    const step = () => optimizer.applyGradients([{ name: variable.name, tensor: tf.ones([3]) }])
    tf.tidy(step)
    const { kernelNames, newTensors } = await tf.profile(() => tf.tidy(step))
    expect(kernelNames.filter((name) => /Multiply|Add/.test(name))).toEqual([])
    expect(newTensors).toBe(0)
    optimizer.dispose()
    variable.dispose()
    await tf.setBackend('cpu')
  })
})
