import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { expectEqual, generator, on } from './compare.ts'

const shapes = 200

/** The outputs of `operation` and its gradients by all inputs, for a random upstream gradient. */
function withGradients(
  operation: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: { values: Float32Array; shape: number[] }[],
): tf.Tensor[] {
  const tensors = inputs.map(({ values, shape }) => tf.tensor(values, shape))
  const y = operation(...tensors)
  const dy = tf.tensor(generator(1).values(y.shape), y.shape)
  return [y, ...tf.grads(operation)(tensors, dy)]
}

type Generator = ReturnType<typeof generator>
const randomInput = (random: Generator, shape: number[]) => ({
  shape,
  values: random.values(shape),
})

function randomPadding(random: Generator, kernel: readonly number[]): 'same' {
  const edges = kernel.map((size) => [random.integer(0, size - 1), random.integer(0, size - 1)])
  return random.pick(['same', 'valid', [[0, 0], ...edges, [0, 0]] as unknown as 'valid']) as 'same'
}

describe('equal to the cpu backend on random shapes, with gradients:', () => {
  test('convolution', async () => {
    const random = generator(1)
    for (let i = 0; i < shapes; i++) {
      const kernel = [random.integer(1, 5), random.integer(1, 5)]
      const strides = [random.integer(1, 3), random.integer(1, 3)] as [number, number]
      const pad = randomPadding(random, kernel)
      const channels = [random.integer(1, 9), random.integer(1, 19)]
      const size = kernel.map((length) => random.integer(length, 11))
      const x = randomInput(random, [random.integer(1, 4), ...size, channels[0]!])
      const filter = randomInput(random, [...kernel, ...channels])
      await expectEqual(JSON.stringify([x.shape, filter.shape, strides, pad]), () =>
        withGradients(
          (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad),
          [x, filter],
        ),
      )
    }
  })

  test('3x3 convolution with a multiple of 4 channels, which uses another algorithm', async () => {
    const random = generator(20)
    for (let i = 0; i < shapes / 4; i++) {
      const pad = randomPadding(random, [3, 3])
      const strides = random.pick([1, 1, 2])
      const channels = [4 * random.integer(4, 5), 4 * random.integer(4, 6)]
      const size = [random.integer(3, 7), random.integer(3, 7)]
      // Most have more than 32 tiles, for which it is used.
      const x = randomInput(random, [random.integer(9, 40), ...size, channels[0]!])
      const filter = randomInput(random, [3, 3, ...channels])
      await expectEqual(JSON.stringify([x.shape, filter.shape, strides, pad]), () =>
        withGradients(
          (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad),
          [x, filter],
        ),
      )
    }
  })

  test('3x3 convolution of images wider than a block of tiles', async () => {
    const random = generator(21)
    const [x, filter] = [
      [1, 5, 139, 16],
      [3, 3, 16, 16],
    ].map((shape) => randomInput(random, shape))
    await expectEqual('wide', () =>
      withGradients(
        (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same'),
        [x!, filter!],
      ),
    )
  })

  test('depthwise convolution', async () => {
    const random = generator(2)
    for (let i = 0; i < shapes; i++) {
      const kernel = [random.integer(1, 4), random.integer(1, 4)]
      const strides = random.integer(1, 2)
      const pad = random.pick(['same', 'valid'] as const)
      const channels = random.integer(1, 9)
      const size = kernel.map((length) => random.integer(length, 9))
      const x = randomInput(random, [random.integer(1, 3), ...size, channels])
      const filter = randomInput(random, [...kernel, channels, random.integer(1, 3)])
      await expectEqual(JSON.stringify([x.shape, filter.shape, strides, pad]), () =>
        withGradients(
          (a, b) => tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad),
          [x, filter],
        ),
      )
    }
  })

  test('matrix product', async () => {
    const random = generator(3)
    for (let i = 0; i < shapes; i++) {
      const [rows, inner, columns] = [
        random.integer(1, 30),
        random.integer(1, 80),
        random.integer(1, 140),
      ]
      const [transposeA, transposeB] = [random.pick([true, false]), random.pick([true, false])]
      const batch = random.pick([[], [1], [3], [2, 2]])
      const a = randomInput(random, [...batch, ...(transposeA ? [inner, rows] : [rows, inner])])
      const b = randomInput(random, [
        ...batch,
        ...(transposeB ? [columns, inner] : [inner, columns]),
      ])
      await expectEqual(JSON.stringify([a.shape, b.shape, transposeA, transposeB]), () =>
        withGradients((x, y) => tf.matMul(x, y, transposeA, transposeB), [a, b]),
      )
    }
  })

  test('pooling', async () => {
    const random = generator(4)
    for (let i = 0; i < shapes; i++) {
      const window = [random.integer(1, 3), random.integer(1, 3)] as [number, number]
      const strides = [random.integer(1, 3), random.integer(1, 3)] as [number, number]
      const size = window.map((length) => random.integer(length, 9))
      const x = randomInput(random, [random.integer(1, 3), ...size, random.integer(1, 9)])
      const pad = random.pick(['same', 'valid'] as const)
      await expectEqual(JSON.stringify([x.shape, window, strides, pad]), () => [
        ...withGradients((a) => tf.maxPool(a as tf.Tensor4D, window, strides, pad), [x]),
        // On cpu, the gradient of average pooling counts the padding, but the forward pass does not.
        ...withGradients((a) => tf.avgPool(a as tf.Tensor4D, window, strides, 'valid'), [x]),
      ])
    }
  })

  test('batch normalisation with given statistics', async () => {
    const random = generator(5)
    for (let i = 0; i < shapes; i++) {
      const channels = random.integer(1, 13)
      const x = randomInput(random, [
        random.integer(1, 4),
        random.integer(1, 5),
        random.integer(1, 5),
        channels,
      ])
      const byChannel = Array.from({ length: 4 }, () => randomInput(random, [channels]))
      await expectEqual(JSON.stringify(x.shape), () =>
        withGradients(
          (a, mean, variance, offset, scale) =>
            tf.batchNorm(a, mean, tf.square(variance), offset, scale, 0.1),
          [x, ...byChannel],
        ),
      )
    }
  })

  test('gather', async () => {
    const random = generator(6)
    for (let i = 0; i < shapes; i++) {
      const shape = Array.from({ length: random.integer(1, 3) }, () => random.integer(1, 7))
      if (random.pick([true, false, false])) shape.push(random.pick([70, 96]))
      const axis = random.integer(0, shape.length - 1)
      const indices = Int32Array.from({ length: random.integer(1, 12) }, () =>
        random.integer(0, shape[axis]! - 1),
      )
      const values = randomInput(random, shape)
      await expectEqual(JSON.stringify([shape, axis, [...indices]]), () =>
        withGradients((x) => tf.gather(x, tf.tensor1d(indices, 'int32'), axis), [values]),
      )
    }
  })

  test('reverse, transpose, slice, tile, sum, mean, relu and where', async () => {
    const random = generator(7)
    for (let i = 0; i < shapes; i++) {
      const shape = Array.from({ length: random.integer(1, 5) }, () => random.integer(1, 6))
      const axes = shape.map((_, axis) => axis)
      const some = axes.filter(() => random.pick([true, false]))
      const permutation = axes
        .map((axis) => [random.integer(0, 99), axis])
        .toSorted((a, b) => a[0]! - b[0]!)
        .map(([, axis]) => axis!)
      const begin = shape.map((length) => random.integer(0, length - 1))
      const size = shape.map((length, axis) => random.integer(1, length - begin[axis]!))
      const repeats = shape.map(() => random.integer(1, 3))
      const keepDims = random.pick([true, false])
      const [x, y] = [randomInput(random, shape), randomInput(random, shape)]
      await expectEqual(
        JSON.stringify({ shape, some, permutation, begin, size, repeats, keepDims }),
        () =>
          [
            (a: tf.Tensor) => tf.reverse(a, some),
            (a: tf.Tensor) => tf.transpose(a, permutation),
            (a: tf.Tensor) => tf.slice(a, begin, size),
            ...(shape.length < 5 ? [(a: tf.Tensor) => tf.tile(a, repeats)] : []), // tfjs has no gradient of more
            (a: tf.Tensor) => tf.sum(a, some, keepDims),
            (a: tf.Tensor) => tf.mean(a, some, keepDims),
            (a: tf.Tensor) => tf.relu(a),
            (a: tf.Tensor) =>
              tf.where(tf.greater(tf.tensor(y.values, shape), 0), a, tf.tensor(y.values, shape)),
          ].flatMap((operation) => withGradients(operation as never, [x])),
      )
    }
  })

  test('maximum, minimum and equal, of tensors and of a scalar', async () => {
    const random = generator(8)
    for (let i = 0; i < shapes; i++) {
      const shape = Array.from({ length: random.integer(1, 4) }, () => random.integer(1, 6))
      const rounded = (x: tf.Tensor): tf.Tensor => tf.round(tf.mul(x, 2))
      const last = shape.slice(-1)
      const [x, y] = [randomInput(random, shape), randomInput(random, random.pick([shape, last]))]
      await expectEqual(JSON.stringify([shape, y.shape]), () => {
        const [a, b] = [x, y].map(({ values, shape: own }) => rounded(tf.tensor(values, own)))
        const z = { ...x, values: x.values.toReversed() }
        return [
          ...[tf.maximum, tf.minimum].flatMap((extreme) => withGradients(extreme, [x, z])),
          ...[b!, 0, tf.scalar(1, 'int32')].flatMap((other) => [
            tf.maximum(a!, other),
            tf.minimum(a!, other),
            tf.equal(a!, other),
            tf.equal(other, a!),
          ]),
        ]
      })
    }
  })
})

test('integers and booleans are moved like floats', async () => {
  await expectEqual('int32', () => {
    const x = tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, 3, 2], 'int32')
    const even = tf.equal(tf.mod(x, tf.scalar(2, 'int32')), tf.scalar(0, 'int32'))
    return [x, even].flatMap((values) => [
      tf.gather(values, tf.tensor1d([1, 0, 1], 'int32'), 1),
      tf.reverse(values, 1),
      tf.transpose(values, [2, 0, 1]),
      tf.slice(values, [0, 1, 0], [2, 2, 1]),
      tf.tile(values, [2, 1, 2]),
      tf.where(even, values, values),
    ])
  })
})

test('selecting booleans does not overwrite adjacent tensors', async () => {
  await on('wasm', () => {
    const beside = Array.from({ length: 64 }, (_, i) => tf.fill([10], i))
    // Every other slot on the heap is free for the result.
    beside.forEach((tensor, i) => void (i % 2 && tensor.dispose()))
    const values = Array.from({ length: 40 }, (_, i) => i % 2)
    const even = tf.tensor1d(values, 'bool')
    const chosen = Array.from({ length: 32 }, () => tf.where(even, even, even))
    for (const tensor of chosen) expect([...tensor.dataSync()]).toEqual(values)
    const kept = beside.filter((_, i) => i % 2 === 0)
    expect(kept.map((tensor) => tensor.dataSync()[0])).toEqual(kept.map((_, i) => 2 * i))
    return tf.scalar(0)
  })
})

test('a gather along batch dimensions, and one whose index is out of range', async () => {
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

test.each([
  [3, 9],
  [16, 20],
])(
  'fused activations and biases equal the cpu backend, %i to %i channels',
  async (channels, filters) => {
    const random = generator(8)
    const [x, filter, bias] = [[2, 5, 5, channels], [3, 3, channels, filters], [filters]].map(
      (shape) => randomInput(random, shape),
    )
    for (const activation of [
      'linear',
      'relu',
      'relu6',
      'elu',
      'leakyrelu',
      'sigmoid',
      'prelu',
    ] as const) {
      await expectEqual(activation, () => {
        const tensor = ({ values, shape }: { values: Float32Array; shape: number[] }) =>
          tf.tensor(values, shape)
        const common = {
          activation,
          bias: tensor(bias!),
          leakyreluAlpha: 0.3,
          preluActivationWeights: activation === 'prelu' ? tensor(bias!) : undefined!,
        }
        return [
          tf.fused.conv2d({
            ...common,
            x: tensor(x!) as tf.Tensor4D,
            filter: tensor(filter!) as tf.Tensor4D,
            strides: 1,
            pad: 'same',
          }),
          tf.fused.matMul({
            ...common,
            a: tf.reshape(tensor(x!), [50, channels]),
            b: tf.reshape(tf.slice(tensor(filter!), [0, 0, 0, 0], [1, 1, channels, filters]), [
              channels,
              filters,
            ]),
          }),
          tf.fused.matMul({
            ...common,
            a: tf.reshape(tensor(x!), [channels, 50]),
            b: tf.reshape(tf.slice(tensor(filter!), [0, 0, 0, 0], [1, 1, channels, filters]), [
              channels,
              filters,
            ]),
            transposeA: true,
          }),
        ]
      })
    }
  },
)

test('bugs of tfjs-backend-wasm: a bias of a batch of products, one matrix under two shapes', async () => {
  const random = generator(22)
  const [a, b, bias] = [[3, 4, 6], [3, 6, 5], [5]].map((shape) => random.values(shape))
  await expectEqual('bias', () =>
    tf.fused.matMul({
      a: tf.tensor(a!, [3, 4, 6]),
      b: tf.tensor(b!, [3, 6, 5]),
      bias: tf.tensor(bias!),
    }),
  )
  await expectEqual('two shapes', () => {
    const matrix = tf.tensor(a!, [6, 12])
    return [
      tf.matMul(tf.ones([2, 6]), matrix),
      tf.matMul(tf.ones([2, 12]), tf.reshape(matrix, [12, 6])),
    ]
  })
})

describe('equal to finite differences:', () => {
  /** Compares a gradient with the differences of the loss, along a random direction. */
  async function expectGradient(
    operation: (x: tf.Tensor) => tf.Tensor,
    shape: number[],
  ): Promise<void> {
    const random = generator(9)
    const [values, direction] = [random.values(shape), random.values(shape)]
    const step = 1e-2
    const results = await on('wasm', () => {
      const dy = tf.tensor(generator(1).values(operation(tf.tensor(values, shape)).shape))
      const loss = (x: tf.Tensor) => tf.sum<tf.Scalar>(tf.mul(tf.reshape(operation(x), [-1]), dy))
      const along = (distance: number) =>
        loss(
          tf.tensor(
            values.map((value, i) => value + distance * direction[i]!),
            shape,
          ),
        )
      const gradient = tf.grad(loss)(tf.tensor(values, shape))
      return [
        tf.sum(tf.mul(gradient, tf.tensor(direction, shape))),
        tf.div(tf.sub(along(step), along(-step)), 2 * step),
      ]
    })
    const [got, expected] = results.map((result) => result.values[0]!)
    expect(Math.abs(got! - expected!)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected!)))
  }
  const filter = () => tf.tensor4d(generator(10).values([3, 2, 4, 6]), [3, 2, 4, 6])
  const depthwise = () => tf.tensor4d(generator(11).values([3, 3, 4, 2]), [3, 3, 4, 2])
  const image = () => tf.tensor4d(generator(12).values([2, 9, 8, 4]), [2, 9, 8, 4])

  test.each<[string, (x: tf.Tensor) => tf.Tensor, number[]]>([
    [
      'convolution by its input',
      (x) => tf.conv2d(x as tf.Tensor4D, filter(), [2, 1], 'same'),
      [2, 9, 8, 4],
    ],
    [
      'convolution by its filter',
      (x) => tf.conv2d(image(), x as tf.Tensor4D, [2, 1], 'same'),
      [3, 2, 4, 6],
    ],
    [
      'dilated convolution by its input',
      (x) => tf.conv2d(x as tf.Tensor4D, filter(), 1, 'same', 'NHWC', [2, 3]),
      [2, 9, 8, 4],
    ],
    [
      'dilated convolution by its filter',
      (x) => tf.conv2d(image(), x as tf.Tensor4D, 1, 'valid', 'NHWC', [2, 3]),
      [3, 2, 4, 6],
    ],
    [
      'dilated depthwise convolution by its input',
      (x) => tf.depthwiseConv2d(x as tf.Tensor4D, depthwise(), 1, 'same', 'NHWC', 2),
      [2, 9, 8, 4],
    ],
    [
      'dilated depthwise convolution by its filter',
      (x) => tf.depthwiseConv2d(image(), x as tf.Tensor4D, 1, 'same', 'NHWC', 2),
      [3, 3, 4, 2],
    ],
    [
      'transposed convolution by its input',
      (x) => tf.conv2dTranspose(x as tf.Tensor4D, filter(), [2, 10, 9, 4], 1, 'valid'),
      [2, 8, 8, 6],
    ],
    [
      'transposed convolution by its filter',
      (x) => tf.conv2dTranspose(image(), x as tf.Tensor4D, [2, 18, 16, 3], 2, 'same'),
      [3, 3, 3, 4],
    ],
    [
      'average pooling with padding',
      (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, 'same'),
      [2, 9, 8, 4],
    ],
    [
      '1x1 convolution with strides',
      (x) => tf.conv2d(x as tf.Tensor4D, tf.slice(filter(), 0, [1, 1, 4, 6]), 2, 'same'),
      [2, 9, 8, 4],
    ],
  ])('%s', async (_, operation, shape) => {
    await expectGradient(operation, shape)
  })
})

describe('an empty output is an empty result, or the reduction of nothing:', () => {
  const x = (...shape: [number, number, number, number]) => tf.ones<tf.Rank.R4>(shape)
  const filter = (channels: number) => tf.ones<tf.Rank.R4>([5, 5, 3, channels])
  const windows: [string, (images: tf.Tensor4D) => tf.Tensor][] = [
    ['convolution', (images) => tf.conv2d(images, filter(4), 2, 'valid')],
    ['depthwise convolution', (images) => tf.depthwiseConv2d(images, filter(1), 2, 'valid')],
    ['max-pool', (images) => tf.maxPool(images, 5, 2, 'valid')],
    ['average pool', (images) => tf.avgPool(images, 5, 2, 'valid')],
  ]
  test.each(windows)('%s', async (_, operation) => {
    await on('wasm', () => {
      expect(operation(x(2, 4, 4, 3)).shape.slice(0, 3)).toEqual([2, 0, 0])
      expect(operation(x(0, 9, 9, 3)).shape.slice(0, 3)).toEqual([0, 3, 3])
      expect(
        tf
          .grad(operation as (a: tf.Tensor) => tf.Tensor)(x(2, 4, 4, 3))
          .dataSync(),
      ).toEqual(new Float32Array(2 * 4 * 4 * 3))
      const tooSmall = 'expected images of at least 5 × 5 pixels, the size of the filter, got 2 × 4'
      expect(() => operation(x(2, 2, 4, 3))).toThrow(tooSmall)
      return []
    })
  })
  const reductions: [string, (x: tf.Tensor, axes: number[]) => tf.Tensor, number][] = [
    ['sum', tf.sum, 0],
    ['mean', tf.mean, NaN],
    ['max', tf.max, -Infinity],
    ['min', tf.min, Infinity],
    ['product', tf.prod, 1],
  ]
  test.each(reductions)('%s', async (_, reduce, value) => {
    const [result] = await on('wasm', () => reduce(x(2, 0, 0, 3), [1, 2]))
    expect(result).toEqual({ shape: [2, 3], values: Array(6).fill(value) })
  })
})
