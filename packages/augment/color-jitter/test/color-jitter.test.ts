import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  expectIndependent,
  expectUniform,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { applyColorJitter, colorJitter, colorJitterBatch, type ColorParams } from '../src/index.ts'
import fixture from './fixtures/color-jitter.json' with { type: 'json' }

onEachBackend(() => {
  test.each(fixture.cases)('matches torchvision: $kind', ({ kind, inputs, params, expected }) => {
    const images = fromFixture(inputs.images) as tf.Tensor4D
    expectClose(applyColorJitter(images, { [kind]: params.factors }), expected.images)
  })

  const colours = (...rows: [number, number, number][]): tf.Tensor4D =>
    tf.tensor4d(rows.flat(), [1, 1, rows.length, 3])
  const changed = (images: tf.Tensor4D, params: ColorParams): tf.Tensor =>
    tf.reshape(applyColorJitter(images, params), [-1, images.shape[3]])

  test('a third of the circle maps red to green, green to blue, blue to red, and grey to itself', () => {
    const primary = colours([1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5])
    expectClose(changed(primary, { hue: [1 / 3] }), [0, 1, 0, 0, 0, 1, 1, 0, 0, 0.5, 0.5, 0.5])
    expectClose(changed(primary, { hue: [0] }), primary.dataSync())
  })

  test('factor 0 gives black, uniform grey, and grey', () => {
    const images = colours([1, 0, 0], [0, 0, 1])
    expectClose(changed(images, { brightness: [0] }), [0, 0, 0, 0, 0, 0])
    const mean = (0.2989 + 0.114) / 2
    expectClose(changed(images, { contrast: [0] }), [mean, mean, mean, mean, mean, mean])
    const [red, blue] = [0.2989, 0.114]
    expectClose(changed(images, { saturation: [0] }), [red, red, red, blue, blue, blue])
  })

  test('a shift is added to each channel, clipped', () => {
    const images = tf.concat([colours([0.5, 0.5, 0.5]), colours([0.1, 0.2, 0.3])])
    const shift = [
      [0.25, -0.25, 0.75],
      [0, 0.1, -0.5],
    ]
    expectClose(changed(images, { shift }), [0.75, 0.25, 1, 0.1, 0.3, 0])
  })

  test('the order is brightness, contrast, saturation, hue, shift, for any order of the params', () => {
    const images = colours([0.9, 0.2, 0.1], [0.3, 0.6, 0.8])
    const shift = [[0.1, 0, -0.1]]
    const params = { hue: [0.2], shift, saturation: [0.5], contrast: [1.3], brightness: [1.2] }
    const oneByOne = [
      { brightness: [1.2] },
      { contrast: [1.3] },
      { saturation: [0.5] },
      { hue: [0.2] },
      { shift },
    ].reduce<tf.Tensor4D>((before, each) => applyColorJitter(before, each), images)
    expectClose(applyColorJitter(images, params), oneByOne)
  })

  test('an image of one channel has no saturation and no hue', () => {
    const images = tf.tensor4d([0.2, 0.6], [1, 1, 2, 1])
    expectClose(changed(images, { saturation: [0], hue: [0.3] }), [0.2, 0.6])
    expectClose(changed(images, { contrast: [0.5] }), [0.3, 0.5])
  })
})

const shape = { batch: 4000, height: 8, width: 8, channels: 3, classes: 10, mean: [0, 0, 0] }
const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
const drawn = (options: Parameters<typeof colorJitter>[0]): ColorParams =>
  colorJitter(options).images!.draw(createRandom(1), shape, time) as ColorParams

/** χ² of ten equal bins against the uniform distribution on [low, high). */
function chiSquared(values: ArrayLike<number>, low: number, high: number): number {
  const bins = Array.from(values, (value) => Math.floor(((value - low) / (high - low)) * 10))
  const counts = Array.from({ length: 10 }, (_, i) => bins.filter((bin) => bin === i).length)
  // None is below low or above high.
  expect(counts.reduce((a, b) => a + b)).toBe(values.length)
  return counts.reduce((sum, n) => sum + (n - values.length / 10) ** 2 / (values.length / 10), 0)
}
// The 0.999 quantile with 9 degrees of freedom.
const quantile = 27.88

describe('draws', () => {
  test('are uniform, one factor of each kind per image', () => {
    const params = drawn({ brightness: 0.2, contrast: 2, saturation: 0.4, hue: 0.1, shift: 0.05 })
    expect(chiSquared(params.brightness!, 0.8, 1.2)).toBeLessThan(quantile)
    // Factors are at least 0.
    expect(chiSquared(params.contrast!, 0, 3)).toBeLessThan(quantile)
    expect(chiSquared(params.saturation!, 0.6, 1.4)).toBeLessThan(quantile)
    expect(chiSquared(params.hue!, -0.1, 0.1)).toBeLessThan(quantile)
    for (const channel of [0, 1, 2])
      expect(
        chiSquared(
          params.shift!.map((each) => each[channel]!),
          -0.05,
          0.05,
        ),
      ).toBeLessThan(quantile)
  })

  test("absent changes are not drawn, and the others' draws stay the same", () => {
    const all = drawn({ shift: 0.1 })
    const some = drawn({ contrast: 0, hue: 0, shift: 0.1 })
    expect(Object.keys(some)).toEqual(['brightness', 'saturation', 'shift'])
    expect({ ...all, ...some }).toEqual(all)
  })
})

test('resolves options with defaults', () => {
  expect(colorJitter().options).toEqual({
    brightness: 0.4,
    contrast: 0.4,
    saturation: 0.4,
    hue: 0.1,
    shift: 0,
  })
  expect(colorJitter({ brightness: 1, hue: 0.5, shift: 1 }).options).toEqual({
    brightness: 1,
    contrast: 0.4,
    saturation: 0.4,
    hue: 0.5,
    shift: 1,
  })
})

asInPipeline(colorJitter, colorJitterBatch, { shift: 0.1 })

test('describes its draws, without unused ones', () => {
  const { describe: words } = colorJitter().images!
  const params: ColorParams = {
    brightness: [1.234, 1],
    contrast: [0.8, 1],
    saturation: [0.5, 1],
    hue: [-0.05, 0],
    shift: [
      [0.1, -0.2, 0],
      [0, 0, 0],
    ],
  }
  expect(words!(params, 0)).toBe(
    'light 1.23, contrast 0.80, colour 0.50, hue −18°, shift +0.10 −0.20 0.00',
  )
  expect(words!({ contrast: [1, 0.7] }, 1)).toBe('contrast 0.70')
  expect(words!({}, 0)).toBe('')
})

test('rejects images without 1 or 3 channels when a run starts', () => {
  const start = (channels: number): unknown => colorJitter().start!({ data: { channels } } as never)
  for (const channels of [2, 4])
    expect(() => start(channels)).toThrow(
      `color-jitter: expected channels to be 1 or 3, got ${channels}`,
    )
  for (const channels of [1, 3]) expect(() => start(channels)).not.toThrow()
  const nothing = { brightness: 0, contrast: 0, saturation: 0, hue: 0, seed: 1 }
  expect(() => colorJitterBatch(tf.zeros<tf.Rank.R4>([1, 2, 2, 4]), nothing)).toThrow(
    '1 or 3, got 4',
  )
})

test('rejects invalid options and mismatched shapes', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 3, 3, 3])
  expect(() => applyColorJitter(images, { hue: [0.1] })).toThrow(
    'color-jitter: expected hue to be 2 numbers, one per image, got [0.1]',
  )
  expect(() => applyColorJitter(images, { shift: [[0], [0]] })).toThrow(
    'color-jitter: expected shift to be 3 numbers for each of 2 images, one per channel, got [[0],[0]]',
  )
  expect(() => applyColorJitter(tf.zeros([1, 3, 3, 4]), {})).toThrow(
    'color-jitter: expected channels to be 1 or 3, got 4',
  )
  expect(() => colorJitter({ hue: 0.6 })).toThrow(
    'color-jitter: expected hue to be a number in [0, 0.5], got 0.6',
  )
  for (const [name, values] of Object.entries({
    brightness: [1, NaN],
    contrast: ['1', '1'],
    saturation: [1],
    hue: [0, Infinity],
  }))
    expect(() => applyColorJitter(images, { [name]: values })).toThrow(
      `color-jitter: expected ${name} to be 2 numbers, one per image`,
    )
  for (const shift of [
    [[0, 0, 0]],
    [
      [0, 0, 0],
      [0, NaN, 0],
    ],
  ])
    expect(() => applyColorJitter(images, { shift })).toThrow('expected shift to be 3 numbers')
})

conformance(() => colorJitter({ contrast: 2, shift: 0.05 }), {
  distribution(draws: readonly ColorParams[]) {
    const all = (name: 'brightness' | 'contrast' | 'saturation' | 'hue'): number[] =>
      draws.flatMap((params) => Array.from(params[name]!))
    const [brightness, contrast] = [all('brightness'), all('contrast')]
    const [saturation, hue] = [all('saturation'), all('hue')]
    expectUniform({ brightness }, 0.6, 1.4)
    expectUniform({ contrast }, 0, 3)
    expectUniform({ saturation }, 0.6, 1.4)
    expectUniform({ hue }, -0.1, 0.1)
    const shifts = draws.flatMap(({ shift }) => shift!.map((own) => Array.from(own)))
    expectUniform({ shifts: shifts.flat() }, -0.05, 0.05)
    const [red, green] = [shifts.map((own) => own[0]!), shifts.map((own) => own[1]!)]
    const samples = Object.entries({ brightness, contrast, saturation, hue, red, green })
    for (const [i, one] of samples.entries())
      for (const other of samples.slice(i + 1)) expectIndependent(Object.fromEntries([one, other]))
  },
  shifted: {
    '2 % too bright': ({ brightness, ...others }: ColorParams) => ({
      ...others,
      brightness: Array.from(brightness!, (factor) => factor * 1.02),
    }),
    'never without contrast': ({ contrast, ...others }: ColorParams) => ({
      ...others,
      contrast: Array.from(contrast!, (factor) => Math.max(factor, 0.1)),
    }),
    'a saturation that depends on the brightness': ({ brightness, ...others }: ColorParams) => ({
      ...others,
      brightness,
      saturation: brightness,
    }),
    'hues in one direction only': ({ hue, ...others }: ColorParams) => ({
      ...others,
      hue: Array.from(hue!, (turn) => Math.abs(turn)),
    }),
    'one shift for all channels': ({ shift, ...others }: ColorParams) => ({
      ...others,
      shift: shift!.map((own) => Array.from(own, () => own[0])),
    }),
  },
  invalid: [
    () => colorJitter({ brightness: -0.1 }),
    () => colorJitter({ contrast: NaN }),
    () => colorJitter({ saturation: Infinity }),
    () => colorJitter({ hue: -0.1 }),
    () => colorJitter({ shift: 2 }),
    () => colorJitter({ brightness: '0.4' as never }),
    () => colorJitter({ contrast: null as never }),
    () => colorJitter({ saturation: [0.5, 1.5] as never }),
    () => colorJitter({ color: 0.1 } as never),
  ],
})
