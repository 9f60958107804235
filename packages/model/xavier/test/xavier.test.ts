import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { conformance, onEachBackend } from '@tricks/conformance'
import { compose, createRandom, type Variables } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  fans,
  type InitializerOptions,
  kaimingNormal,
  xavier,
  xavierNormal,
  xavierUniform,
} from '../src/index.ts'
import fixture from './fixtures/xavier.json' with { type: 'json' }

type Make = (options?: InitializerOptions) => ReturnType<typeof xavierUniform>
const make: Record<string, Make> = { xavierUniform, xavierNormal, kaimingNormal }

const valuesOf = (initializer: ReturnType<Make>, shape: readonly number[]): number[] =>
  tf.tidy(() => [...initializer.apply([...shape]).dataSync()])
const momentsOf = (values: readonly number[]): { mean: number; deviation: number } => {
  const mean = values.reduce((a, b) => a + b) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / values.length) }
}

describe.each(fixture.cases)('as torch: $params.shape', ({ params: { shape }, expected }) => {
  test('fans', () => {
    const { fanIn, fanOut } = expected
    expect(fans(shape)).toEqual({ fanIn, fanOut })
  })

  const deviations = {
    xavierUniform: expected.uniformBound / Math.sqrt(3),
    xavierNormal: expected.normalStd,
    kaimingNormal: expected.kaimingNormalStd,
  }
  test.each(Object.entries(deviations))('%s', (name, deviation) => {
    const values = valuesOf(make[name]!({ seed: 1 }), shape)
    const moments = momentsOf(values)
    // Four standard deviations of the mean, and of the deviation, of so many values.
    expect(Math.abs(moments.mean)).toBeLessThan((4 * deviation) / Math.sqrt(values.length))
    expect(Math.abs(moments.deviation / deviation - 1)).toBeLessThan(
      4 / Math.sqrt(2 * values.length),
    )
  })

  test('the uniform fill their bounds', () => {
    const { uniformBound } = expected
    const values = valuesOf(xavierUniform({ seed: 2 }), shape)
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    expect(largest).toBeLessThanOrEqual(uniformBound)
    expect(largest).toBeGreaterThan(0.98 * uniformBound)
  })

  test('the normal are not cut off', () => {
    const values = valuesOf(xavierNormal({ seed: 2 }), shape)
    const beyond = values.filter((value) => Math.abs(value) > 2 * expected.normalStd).length
    expect(beyond / values.length).toBeCloseTo(0.0455, 1)
    expect(beyond).toBeGreaterThan(0)
  })
})

test('a vector, and what is no shape', () => {
  expect(fans([7])).toEqual({ fanIn: 7, fanOut: 7 })
  expect(() => fans([])).toThrow(
    'xavier: expected shape to be positive integers, at least one, got []',
  )
  expect(() => fans([3, 0])).toThrow('got [3,0]')
})

onEachBackend(() => {
  describe.each(Object.entries(make))('%s', (_, initializer) => {
    test('the same seed gives the same values, whatever else was made', () => {
      const values = valuesOf(initializer({ seed: 1 }), [4, 5])
      valuesOf(initializer({ seed: 3 }), [2, 2])
      expect(valuesOf(initializer({ seed: 1 }), [4, 5])).toEqual(values)
      expect(valuesOf(initializer({ seed: 2 }), [4, 5])).not.toEqual(values)
      expect(valuesOf(initializer({ seed: 1, name: 'b' }), [4, 5])).not.toEqual(values)
      expect(valuesOf(initializer({ seed: 0 }), [4, 5])).toEqual(
        valuesOf(initializer({ seed: 0 }), [4, 5]),
      )
    })

    test('without a seed they are new each time', () => {
      const unseeded = initializer()
      expect(valuesOf(unseeded, [4, 5])).not.toEqual(valuesOf(unseeded, [4, 5]))
    })

    test('the gain scales them', () => {
      const [once] = valuesOf(initializer({ seed: 1 }), [4, 5])
      expect(valuesOf(initializer({ seed: 1, gain: 2 }), [4, 5])[0]).toBeCloseTo(2 * once!, 6)
    })
  })

  test('layers take them, and a saved model keeps them', async () => {
    const build = (): layers.Sequential => {
      const model = layers.sequential()
      const kernelInitializer = kaimingNormal({ seed: 1 })
      const inputShape = [5, 5, 2]
      model.add(layers.layers.conv2d({ filters: 3, kernelSize: 3, inputShape, kernelInitializer }))
      model.add(layers.layers.flatten())
      model.add(layers.layers.dense({ units: 4, kernelInitializer: xavierUniform({ seed: 1 }) }))
      model.add(
        layers.layers.dense({ units: 4, kernelInitializer: xavierNormal({ name: 'last' }) }),
      )
      return model
    }
    const weights = (model: layers.LayersModel): number[][] =>
      model.getWeights().map((weight) => [...weight.dataSync()])
    const [first, second] = [build(), build()]
    const seeded = [0, 1, 2, 3]
    expect(seeded.map((i) => weights(first)[i])).toEqual(seeded.map((i) => weights(second)[i]))
    const modelTopology = first.toJSON(null, false) as Record<string, never>
    const loaded = await layers.models.modelFromJSON({ modelTopology })
    expect(seeded.map((i) => weights(loaded)[i])).toEqual(seeded.map((i) => weights(first)[i]))
    tf.dispose(
      [first, second, loaded].flatMap((model) => model.weights.map((weight) => weight.read())),
    )
  })
})

describe('as a trick', () => {
  const variablesOf = (): Variables => {
    const filled = (shape: number[], trainable = true): tf.Variable =>
      tf.tidy(() => tf.variable(tf.fill(shape, 7), trainable))
    return {
      'block/conv/kernel': filled([3, 3, 16, 32]),
      'block/twin/kernel': filled([3, 3, 16, 32]),
      'block/depthwise/depthwise_kernel': filled([3, 3, 64, 8]),
      'block/conv/bias': filled([32]),
      'block/norm/gamma': filled([32]),
      'whiten/kernel': filled([2, 2], false),
    }
  }
  const data = { size: 1, height: 1, width: 1, channels: 1, classes: 2, mean: [0], deviation: [1] }
  const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
  const started = (options: Parameters<typeof xavier>[0], seed = 1): Record<string, number[]> => {
    const variables = variablesOf()
    compose([xavier(options)], { seed }).setup({ variables, data, batchSize: 1, time })
    const values = Object.fromEntries(
      Object.entries(variables).map(([path, variable]) => [path, [...variable.dataSync()]]),
    )
    tf.dispose(variables)
    return values
  }
  const isOnly = (values: readonly number[], value: number): boolean =>
    values.every((each) => each === value)

  test('it draws kernels that are trained, each by its path, and nothing else', () => {
    const values = started({})
    expect(isOnly(values['block/conv/bias']!, 7)).toBe(true)
    expect(isOnly(values['block/norm/gamma']!, 7)).toBe(true)
    expect(isOnly(values['whiten/kernel']!, 7)).toBe(true)
    expect(values['block/conv/kernel']).not.toEqual(values['block/twin/kernel'])
    expect(started({})).toEqual(values)
    expect(started({}, 2)['block/conv/kernel']).not.toEqual(values['block/conv/kernel'])
  })

  test.each([
    ['xavier-uniform', 0.06804, Math.sqrt(2 / (9 + 9 * 512))],
    ['xavier-normal', 0.06804, Math.sqrt(2 / (9 + 9 * 512))],
    ['kaiming-normal', 0.11785, Math.sqrt(2 / 9)],
  ] as const)('%s: the deviation of each kernel', (kind, conv, depthwise) => {
    const values = started({ kind })
    const deviation = (path: string): number => momentsOf(values[path]!).deviation
    expect(deviation('block/conv/kernel') / conv).toBeCloseTo(1, 1)
    expect(deviation('block/depthwise/depthwise_kernel') / depthwise).toBeCloseTo(1, 1)
  })

  test('the random stream is that of the run', () => {
    const variables = variablesOf()
    tf.tidy(() =>
      xavier().setup!({
        variables,
        data,
        batchSize: 1,
        time,
        random: createRandom(1).fork('xavier'),
      }),
    )
    expect([...variables['block/conv/kernel']!.dataSync()]).toEqual(
      started({})['block/conv/kernel'],
    )
    tf.dispose(variables)
  })
})

conformance(() => xavier(), {
  invalid: [
    () => xavier({ kind: 'orthogonal' as 'xavier-normal' }),
    () => xavier({ gain: 0 }),
    () => xavierUniform({ seed: 0.5 }),
    () => xavierNormal({ seed: 2 ** 32 }),
    () => kaimingNormal({ gain: -1 }),
  ],
})
conformance(() => xavier({ kind: 'kaiming-normal' }))
