import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import {
  conformance,
  type ConformanceOptions,
  expectCdf,
  expectIndependent,
  expectUniform,
  onEachBackend,
} from '@tricks/conformance'
import { compose, type Run, type Variables } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { fans, kaimingNormal, xavier, xavierNormal, xavierUniform } from '../src/index.ts'
import fixture from './fixtures/xavier.json' with { type: 'json' }

const initializers = { xavierUniform, xavierNormal, kaimingNormal }
type Method = keyof typeof initializers
const names = Object.keys(initializers) as Method[]
const drawn = (method: Method, shape: number[], seed: number): number[] =>
  tf.tidy(() => [...initializers[method]({ seed }).apply(shape).dataSync()])
const moments = (values: ArrayLike<number>): { mean: number; deviation: number; most: number } => {
  const all = Array.from(values)
  const mean = all.reduce((a, b) => a + b) / all.length
  const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length
  const most = all.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
  return { mean, deviation: Math.sqrt(variance), most }
}

describe.each(fixture.cases)('matches torch: $params.shape', ({ params: { shape }, expected }) => {
  test('fans', () => {
    expect(fans(shape)).toEqual({ fanIn: expected.fanIn, fanOut: expected.fanOut })
  })

  test.each<[Method, number]>([
    ['xavierUniform', expected.uniformBound / Math.sqrt(3)],
    ['xavierNormal', expected.normalStd],
    ['kaimingNormal', expected.kaimingNormalStd],
  ])('%s', (method, deviation) => {
    const values = [1, 2, 3, 4].flatMap((seed) => drawn(method, shape, seed))
    const got = moments(values)
    // Four standard errors, of a mean and of a deviation.
    expect(Math.abs(got.mean)).toBeLessThan((4 * deviation) / Math.sqrt(values.length))
    expect(Math.abs(got.deviation - deviation)).toBeLessThan(
      (4 * deviation) / Math.sqrt(2 * values.length),
    )
    if (method === 'xavierUniform') {
      expect(got.most).toBeLessThanOrEqual(Math.fround(expected.uniformBound))
      expect(got.most).toBeGreaterThan(0.99 * expected.uniformBound)
    } else expect(got.most).toBeGreaterThan(3 * deviation)
  })
})

onEachBackend(() => {
  test.each(names)(
    '%s: equal seeds give equal values, others differ, and 0 is a valid seed',
    (method) => {
      const values = drawn(method, [5, 4], 0)
      expect(drawn(method, [5, 4], 0)).toEqual(values)
      expect(drawn(method, [5, 4], 1)).not.toEqual(values)
      const [named, twice] = [{ name: 'other' }, { gain: 2 }].map((options) =>
        tf.tidy(() => [
          ...initializers[method]({ seed: 0, ...options })
            .apply([5, 4])
            .dataSync(),
        ]),
      )
      expect(named).not.toEqual(values)
      expect(twice).toEqual(values.map((value) => 2 * value))
      const before = tf.memory().numTensors
      initializers[method]().apply([2, 3]).dispose()
      expect(tf.memory().numTensors).toBe(before)
    },
  )

  test.each(names)('%s in a layer, saved and loaded', async (method) => {
    const model = layers.sequential()
    const kernelInitializer = initializers[method]({ seed: 7 })
    model.add(layers.layers.dense({ units: 3, inputShape: [4], kernelInitializer }))
    expect([...model.getWeights()[0]!.dataSync()]).toEqual(drawn(method, [4, 3], 7))
    const loaded = await layers.models.modelFromJSON(JSON.parse(model.toJSON() as string))
    expect([...loaded.getWeights()[0]!.dataSync()]).toEqual(drawn(method, [4, 3], 7))
  })

  test('as a trick, it reinitializes trainable kernels by path', () => {
    const variables = weights()
    const kept = ['conv/bias', 'norm/gamma', 'frozen/kernel']
    start(variables)
    const values = valuesOf(variables)
    for (const path of kept) expect(new Set(values[path])).toEqual(new Set([1]))
    const kernels = Object.keys(variables).filter((path) => !kept.includes(path))
    for (const path of kernels) expect(new Set(values[path]).size).toBe(values[path]!.length)
    // Equal shapes, but different values.
    expect(values['conv/kernel']).not.toEqual(values['conv/kernel-2'])

    const { 'separable/depthwise_kernel': _, ...fewer } = weights()
    start(fewer)
    expect(valuesOf(fewer)['conv/kernel-2']).toEqual(values['conv/kernel-2'])
  })
})

const weights = (): Variables => {
  const ones = (shape: number[], trainable = true): tf.Variable =>
    tf.tidy(() => tf.variable(tf.ones(shape), trainable))
  return {
    'conv/kernel': ones([3, 3, 8, 4]),
    'conv/kernel-2': ones([3, 3, 8, 4]),
    'conv/bias': ones([4]),
    'separable/depthwise_kernel': ones([3, 3, 200, 1]),
    'norm/gamma': ones([4]),
    'frozen/kernel': ones([2, 2], false),
  }
}
const start = (variables: Variables, seed = 1, step = 0, options = {}): void => {
  const time = { step, stepsPerEpoch: 10, steps: 100 }
  const before = tf.memory().numTensors
  compose([xavier(options)], { seed }).start({ variables, time } as Omit<Run, 'random'>)
  expect(tf.memory().numTensors).toBe(before)
}
const valuesOf = (variables: Variables): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(variables).map(([path, variable]) => [path, [...variable.dataSync()]]),
  )

describe('as a trick', () => {
  test('uses the run’s seed', () => {
    const [first, second, other] = [weights(), weights(), weights()]
    start(first, 1)
    start(second, 1)
    start(other, 2)
    expect(valuesOf(second)).toEqual(valuesOf(first))
    expect(valuesOf(other)['conv/kernel']).not.toEqual(valuesOf(first)['conv/kernel'])
  })

  test('a resumed run keeps its weights', () => {
    const variables = weights()
    const before = valuesOf(variables)
    start(variables, 1, 5)
    expect(valuesOf(variables)).toEqual(before)
  })

  test.each<[Method, number, number]>([
    ['xavierUniform', Math.sqrt(2 / (9 * 12)), Math.sqrt(2 / 18)],
    ['xavierNormal', Math.sqrt(2 / (9 * 12)), Math.sqrt(2 / 18)],
    ['kaimingNormal', Math.sqrt(2 / 72), Math.sqrt(2 / 9)],
  ])('%s uses the fans, with special ones for depthwise kernels', (method, conv, depthwise) => {
    const variables = weights()
    start(variables, 1, 0, { method })
    const values = valuesOf(variables)
    const near = (path: string, deviation: number): void => {
      const own = values[path]!
      const error = (4 * deviation) / Math.sqrt(2 * own.length)
      expect(Math.abs(moments(own).deviation - deviation)).toBeLessThan(error)
    }
    near('conv/kernel', conv)
    start(variables, 1, 0, { method, gain: 2 })
    const doubled = valuesOf(variables)['conv/kernel']
    expect(doubled).toEqual(values['conv/kernel']!.map((value) => 2 * value))
    near('separable/depthwise_kernel', depthwise)
  })
})

test('rejects invalid options and shapes', () => {
  expect(() => fans([3])).toThrow(
    "initializers: expected shape to be a kernel's, of at least two axes, got [3]",
  )
  expect(() => xavierUniform({ seed: -1 })).toThrow(
    'initializers: expected seed to be an integer in [0, 4294967295], got -1',
  )
})

/** The weights of the kit's model after start. */
type Weights = Readonly<Record<string, number[]>>
/** Kernels [1, 1, 3, 6] and [6, 10] by their fans; all other weights unchanged. */
const filled = (
  deviation: (own: { in: number; out: number }) => number,
  check: (values: number[], deviation: number) => void,
): ConformanceOptions => ({
  distribution(draws: readonly Weights[]) {
    const [conv, dense] = ['block1/conv/kernel', 'dense/kernel'].map((path) =>
      draws.map((made) => made[path]!),
    )
    check(conv!.flat(), deviation({ in: 3, out: 6 }))
    check(dense!.flat(), deviation({ in: 6, out: 10 }))
    expectIndependent({
      conv: conv!.map(([value]) => value!),
      dense: dense!.map(([value]) => value!),
    })
    for (const path of ['dense/bias', 'block1/norm/gamma', 'block1/norm/moving_mean'])
      expect(new Set(draws.map((made) => String(made[path]))).size).toBe(1)
  },
})
const ofPath =
  (path: string, change: (value: number, i: number) => number) =>
  (made: Weights): Weights => ({ ...made, [path]: made[path]!.map(change) })
/** The logistic approximation of the normal distribution is within 0.0002. */
const expectNormal = (kernel: number[], deviation: number): void =>
  expectCdf({ kernel }, (x) => {
    const z = x / deviation
    return 1 / (1 + Math.exp(-1.5976 * z - 0.07056 * z ** 3))
  })
conformance(() => xavier(), {
  ...filled(
    (own) => Math.sqrt(2 / (own.in + own.out)),
    (kernel, deviation) => {
      const bound = Math.fround(Math.sqrt(3) * deviation)
      expectUniform({ kernel }, -bound, bound)
    },
  ),
  shifted: {
    'by 5 % more': ofPath('dense/kernel', (value) => value * 1.05),
    'by 1 % less': ofPath('block1/conv/kernel', (value) => value * 0.99),
    'only positive': ofPath('block1/conv/kernel', Math.abs),
    'biases too': (made: Weights, run) => ({
      ...made,
      'dense/bias': made['dense/bias']!.map((value) => value + run),
    }),
  },
  invalid: [
    () => xavier({ method: 'zeros' as 'xavierNormal' }),
    () => xavier({ gain: 0 }),
    () => xavierUniform({ gain: NaN }),
    () => kaimingNormal({ seed: 1.5 }),
    () => xavierNormal({ seed: 2 ** 32 }),
    () => xavier({ gain: '1' as never }),
    () => xavier({ gain: null as never }),
    () => xavier({ seed: 1 } as never),
    () => xavierUniform({ seed: '1' as never }),
    () => xavierUniform({ name: 1 as never }),
    () => xavierUniform({ mode: 'fanIn' } as never),
  ],
})
conformance(
  () => xavier({ method: 'xavierNormal', gain: 2, key: 'normal' }),
  filled((own) => 2 * Math.sqrt(2 / (own.in + own.out)), expectNormal),
)
conformance(() => xavier({ method: 'kaimingNormal', key: 'kaiming' }), {
  ...filled((own) => Math.sqrt(2 / own.in), expectNormal),
  shifted: { 'by 10 % less': ofPath('dense/kernel', (value) => value * 0.9) },
})
