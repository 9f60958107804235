import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  extender,
  type Gradient,
  hasKernel,
  overrideBatchNorm,
  overrideGradient,
  overrideRelu,
  overrideRelu6,
  runKernel,
  whenSet,
} from '../src/index.ts'

const names = ['first', 'second'] as const
const original = new Map(
  [tf.Relu, tf.Relu6, tf.FusedBatchNorm].map((name) => [name, tf.getGradient(name)] as const),
)

beforeAll(() => {
  for (const name of names) {
    tf.registerBackend(name, () => new MathBackendCPU())
    for (const kernel of tf.getKernelsForBackend('cpu'))
      tf.registerKernel({ ...kernel, backendName: name })
  }
})
beforeEach(async () => {
  await tf.setBackend('first')
})
afterEach(async () => {
  for (const [name, gradient] of original) {
    tf.unregisterGradient(name)
    tf.registerGradient(gradient)
  }
  await tf.setBackend('cpu')
})

/** A gradient of a constant factor, which identifies its owner. */
const constant =
  (factor: number): Gradient =>
  (_, [x]) => ({ x: () => tf.fill(x!.shape, factor) })
const slope = (): number =>
  tf
    .grad((x) => tf.relu(x))(tf.scalar(2))
    .dataSync()[0]!
const always = (): boolean => true

test('a gradient is replaced while its backend is the current one', async () => {
  overrideGradient('first', tf.Relu, always, constant(3))
  overrideGradient('second', tf.Relu, always, constant(5))
  expect(slope()).toBe(3)
  await tf.setBackend('second')
  expect(slope()).toBe(5)
  await tf.setBackend('cpu')
  expect(slope()).toBe(1)
})

test("tfjs's own is used where the replacement does not apply", () => {
  overrideGradient('first', tf.Relu, (_, [x]) => x!.rank === 1, constant(3))
  expect(slope()).toBe(1)
  expect([
    ...tf
      .grad((x) => tf.relu(x))(tf.tensor1d([2]))
      .dataSync(),
  ]).toEqual([3])
})

test('alternating backends replace a gradient once each', () => {
  overrideGradient('first', tf.Relu, always, constant(3))
  overrideGradient('second', tf.Relu, always, constant(5))
  const both = tf.getGradient(tf.Relu)
  for (let i = 0; i < 3; i++)
    for (const name of names) overrideGradient(name, tf.Relu, always, constant(7))
  expect(tf.getGradient(tf.Relu)).toBe(both)
})

test('a gradient that tfjs registers again is replaced again', () => {
  overrideGradient('first', tf.Relu, always, constant(3))
  tf.unregisterGradient(tf.Relu)
  tf.registerGradient(original.get(tf.Relu)!)
  overrideGradient('first', tf.Relu, always, constant(4))
  expect(slope()).toBe(4)
})

test('a set-up runs at once on the current backend, and whenever it is set', async () => {
  const seen: string[] = []
  whenSet('first', (backend) => seen.push(`first ${backend === tf.findBackend('first')}`))
  whenSet('second', () => seen.push('second'))
  expect(seen).toEqual(['first true'])
  await tf.setBackend('second')
  await tf.setBackend('first')
  expect(seen).toEqual(['first true', 'second', 'first true'])
})

test('a kernel is found on the backend that has it, and run', async () => {
  extender<tf.KernelFunc>('first')(
    'Gelu',
    () =>
      ({ inputs }) =>
        tf.neg(inputs['x'] as tf.Tensor),
  )
  expect(hasKernel('Gelu')).toBe(true)
  expect([...runKernel('Gelu', { x: tf.tensor1d([1, -2]) }).dataSync()]).toEqual([-1, 2])
  await tf.setBackend('second')
  expect(hasKernel('Gelu')).toBe(false)
})

test('a kernel replaces the one passed to it', () => {
  extender<tf.KernelFunc>('first')(tf.Square, (square) => (call) => {
    const y = tf.engine().makeTensorFromTensorInfo(square(call) as tf.TensorInfo)
    return tf.neg(y)
  })
  expect(tf.square(tf.scalar(3)).dataSync()[0]).toBe(-9)
})

test.each([
  ['relu', 'ReluGrad', Infinity, () => overrideRelu('first'), tf.relu],
  ['relu6', 'Relu6Grad', 6, () => overrideRelu6('first'), tf.relu6],
] as const)('the gradient of %s is %s', (_, kernel, high, override, rectify) => {
  const calls: unknown[] = []
  extender<tf.KernelFunc>('first')(kernel, () => ({ inputs }) => {
    const { x, dy } = inputs as Record<'x' | 'dy', tf.Tensor>
    calls.push(high)
    return tf.mul(dy, tf.cast(tf.logicalAnd(tf.greater(x, 0), tf.less(x, high)), 'float32'))
  })
  const x = tf.tensor1d([-1, 0, 2, 5, 7])
  const gradient = (): number[] => [
    ...tf
      .grad((each) => rectify(each))(x, tf.ones([5]))
      .dataSync(),
  ]
  const expected = gradient()
  override()
  expect(gradient()).toEqual(expected)
  expect(calls).toHaveLength(1)
  // Other types keep tfjs's gradient.
  tf.grads((some) => tf.cast(rectify(tf.cast(some, 'int32')), 'float32'))([x])
  expect(calls).toHaveLength(1)
})

test('the gradient of batchNorm is FusedBatchNormGrad', () => {
  let calls = 0
  extender<tf.KernelFunc>('first')('FusedBatchNormGrad', () => ({ inputs, attrs }) => {
    calls++
    const given = inputs as Record<'x' | 'dy' | 'gamma' | 'mean' | 'variance', tf.Tensor>
    const { x, dy, gamma, mean, variance } = given
    const { epsilon } = attrs as unknown as { epsilon: number }
    const inverse = tf.rsqrt(tf.add(variance, epsilon))
    const normalized = tf.mul(tf.sub(x, mean), inverse)
    return [
      tf.mul(dy, tf.mul(gamma, inverse)),
      tf.sum(tf.mul(dy, normalized), [0, 1, 2]),
      tf.sum(dy, [0, 1, 2]),
    ]
  })
  const x = tf.randomNormal<tf.Rank.R4>([2, 3, 3, 4], 0, 1, 'float32', 1)
  const statistics = [tf.tensor1d([1, -2, 0.5, 0]), tf.tensor1d([1, 2, 0.5, 3])]
  const affine = [tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([0, 1, 0, 1])]
  const dy = tf.randomNormal<tf.Rank.R4>([2, 3, 3, 4], 0, 1, 'float32', 2)
  const gradients = (): number[][] =>
    tf
      .grads((...args: tf.Tensor[]) => {
        const [input, mean, variance, scale, offset] = args as [tf.Tensor4D, ...tf.Tensor1D[]]
        return tf.batchNorm(input, mean!, variance!, offset, scale, 0.01)
      })([x, ...statistics, ...affine], dy)
      .map((each) => [...each.dataSync()])
  const expected = gradients()
  overrideBatchNorm('first')
  const got = gradients()
  expect(calls).toBe(1)
  got.forEach((each, i) =>
    each.forEach((value, j) => expect(value).toBeCloseTo(expected[i]![j]!, 4)),
  )
})
