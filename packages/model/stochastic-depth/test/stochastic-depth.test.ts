import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import {
  expectClose,
  expectFrequencies,
  type Fixture,
  fromFixture,
  onEachBackend,
} from '@tricks/conformance'
import { describe, expect, test } from 'vitest'
import { applyStochasticDepth, depthRates, stochasticDepth } from '../src/index.ts'
import fixture from './fixtures/stochastic-depth.json' with { type: 'json' }

interface Case {
  readonly kind: string
  readonly params: { keep: number[]; rate: number; depth: number }
  readonly inputs: { x: Fixture }
  readonly expected: Fixture & { rates: number[] }
}
const cases = fixture.cases as unknown as readonly Case[]

onEachBackend(() => {
  test.each(cases.filter(({ kind }) => kind === 'stochasticDepth'))(
    'matches torchvision: $params',
    ({ params, inputs, expected }) => {
      const x = fromFixture(inputs.x)
      expectClose(applyStochasticDepth(x, params), expected, { absolute: 1e-6 })
    },
  )

  test('a rate of 1 drops all', () => {
    expectClose(applyStochasticDepth(tf.ones([2, 3]), { keep: [0, 0], rate: 1 }), tf.zeros([2, 3]))
  })
})

test.each(cases.filter(({ kind }) => kind === 'depthRates'))(
  'rates match timm: $params',
  ({ params: { depth, rate }, expected }) => {
    expectClose(depthRates({ depth, rate }), expected.rates, { absolute: 1e-6 })
  },
)

const x = tf.ones([64, 2, 2, 1])
const keptIn = (layer: ReturnType<typeof stochasticDepth>, kwargs: object): number[] => {
  const y = layer.apply(x, { training: true, ...kwargs }) as tf.Tensor
  return [...tf.max(y, [1, 2, 3]).dataSync()]
}

describe('the layer', () => {
  test('drops images with its rate, and scales the others', () => {
    const layer = stochasticDepth({ rate: 0.25, name: 'drop' })
    const kept = Array.from({ length: 60 }, (_, step) => keptIn(layer, { seed: 1, step })).flat()
    const words = kept.map((value) => (value === 0 ? 'dropped' : value.toFixed(4)))
    expectFrequencies({ words }, { dropped: 0.25, 1.3333: 0.75 })
  })

  test('draws once per batch in mode batch', () => {
    const layer = stochasticDepth({ rate: 0.5, mode: 'batch', name: 'drop' })
    const steps = Array.from({ length: 400 }, (_, step) => keptIn(layer, { seed: 1, step }))
    for (const kept of steps) expect(new Set(kept).size).toBe(1)
    expectFrequencies({ kept: steps.map(([first]) => String(first)) }, { 0: 0.5, 2: 0.5 })
  })

  test("a shard draws its part of the whole batch's draws; names and steps draw independently", () => {
    const layer = stochasticDepth({ rate: 0.5, name: 'drop' })
    const whole = keptIn(layer, { seed: 1, step: 3 })
    const shard = layer.apply(tf.ones([24, 2]), { training: true, seed: 1, step: 3, first: 40 })
    expect([...tf.max(shard as tf.Tensor, 1).dataSync()]).toEqual(whole.slice(40))
    expect(keptIn(layer, { seed: 1, step: 3 })).toEqual(whole)
    expect(keptIn(layer, { seed: 1, step: 4 })).not.toEqual(whole)
    expect(keptIn(layer, { seed: 2, step: 3 })).not.toEqual(whole)
    const other = stochasticDepth({ rate: 0.5, name: 'other' })
    expect(keptIn(other, { seed: 1, step: 3 })).not.toEqual(whole)
  })

  test('does nothing when predicting, or at a rate of 0', () => {
    for (const [rate, training] of [
      [0.9, false],
      [0, true],
    ] as const)
      expectClose(stochasticDepth({ rate }).apply(x, { training }) as tf.Tensor, x)
  })

  test('a saved model continues with other draws', async () => {
    const model = layers.sequential({
      layers: [stochasticDepth({ rate: 0.5, mode: 'batch', inputShape: [2], name: 'drop' })],
    })
    const draw = (of: layers.LayersModel): number[] =>
      Array.from({ length: 20 }, () => {
        const y = of.apply(tf.ones([1, 2]), { training: true }) as tf.Tensor
        return y.dataSync()[0]!
      })
    const before = draw(model)
    let saved: tf.io.ModelArtifacts | undefined
    await model.save(
      tf.io.withSaveHandler((artifacts) => {
        saved = artifacts
        return Promise.resolve({
          modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts),
        })
      }),
    )
    const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved!))
    const after = draw(model)
    expect(draw(loaded)).toEqual(after)
    expect(after).not.toEqual(before)
  })
})

test('rejects invalid options', () => {
  for (const rate of [-0.1, 1.1, NaN, '0.1'])
    expect(() => stochasticDepth({ rate: rate as number })).toThrow(
      'stochastic-depth: expected rate to be a number in [0, 1]',
    )
  expect(() => stochasticDepth({ mode: 'row' as never })).toThrow("to be 'image' or 'batch'")
  expect(() => stochasticDepth({ probability: 0.1 } as never)).toThrow('expected options to be')
  expect(() => applyStochasticDepth(x, { keep: [1], rate: 0.1 })).toThrow(
    'stochastic-depth: expected keep to be 64 numbers, one per image',
  )
  expect(() => applyStochasticDepth(x, { keep: [0.5], rate: 0.1 })).toThrow('a list of 0 and 1')
  expect(() => depthRates({ depth: 0, rate: 0.1 })).toThrow('depth to be a positive integer, got 0')
})
