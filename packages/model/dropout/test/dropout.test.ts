import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import {
  expectClose,
  expectFrequencies,
  expectIndependent,
  onEachBackend,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { dropout, dropoutMask, type DropoutOptions, type MaskOptions } from '../src/index.ts'

const modes = ['element', 'channel', 'block'] as const
const maskOf = (shape: number[], options: Omit<MaskOptions, 'random'>, seed = 1): number[] =>
  tf.tidy(() => [
    ...dropoutMask(shape, { ...options, random: createRandom(seed).at(3) }).dataSync(),
  ])

onEachBackend(() => {
  const shape = [3, 6, 5, 4]
  const images = (): tf.Tensor4D => tf.randomUniform([3, 6, 5, 4], 1, 2, 'float32', 1)
  const modelOf = (options: DropoutOptions): layers.LayersModel => {
    const model = layers.sequential()
    model.add(layers.layers.inputLayer({ inputShape: [6, 5, 4] }))
    model.add(dropout(options))
    return model
  }
  const run = (model: layers.LayersModel, given: object): number[] =>
    tf.tidy(() => [...(model.apply(images(), given) as tf.Tensor).dataSync()])

  describe.each(modes)('%s', (mode) => {
    const options = { rate: 0.4, mode, blockSize: 3, name: 'drop' }

    test('drops masked values, scales the rest, and passes gradients only there', () => {
      const model = modelOf(options)
      const random = createRandom(7).fork('drop').at(5)
      const mask = dropoutMask(shape, { ...options, random })
      const { value, grad } = tf.valueAndGrad(
        (x) => model.apply(x, { training: true, seed: 7, step: 5 }) as tf.Tensor,
      )(images())
      expectClose(value, tf.mul(images(), mask))
      expectClose(grad, tf.mul(tf.ones(shape), mask))
      expect(new Set(mask.dataSync())).toEqual(new Set([0, Math.fround(1 / 0.6)]))
    })

    test('draws depend on seed, step, name and index in the batch', () => {
      const model = modelOf(options)
      const given = { training: true, seed: 7, step: 5 }
      const drawn = run(model, given)
      expect(run(model, given)).toEqual(drawn)
      expect(run(modelOf(options), given)).toEqual(drawn)
      expect(run(model, { ...given, step: 6 })).not.toEqual(drawn)
      expect(run(model, { ...given, seed: 8 })).not.toEqual(drawn)
      expect(run(modelOf({ ...options, name: 'other' }), given)).not.toEqual(drawn)
      const shard = tf.tidy(() => [
        ...(model.apply(tf.slice(images(), [1]), { ...given, first: 1 }) as tf.Tensor).dataSync(),
      ])
      expect(shard).toEqual(drawn.slice(120))
    })

    test('is the identity in inference, and with a rate of 0', () => {
      const expected = [...images().dataSync()]
      expect(run(modelOf(options), {})).toEqual(expected)
      expect(run(modelOf(options), { training: false, seed: 1, step: 1 })).toEqual(expected)
      expect(run(modelOf({ ...options, rate: 0 }), { training: true })).toEqual(expected)
    })
  })

  test('without a step it counts its calls and uses its own seed', () => {
    const three = (seed: number): number[][] => {
      const model = modelOf({ name: 'drop', seed })
      return [0, 1, 2].map(() => run(model, { training: true }))
    }
    const drawn = three(4)
    expect(three(4)).toEqual(drawn)
    expect(three(5)).not.toEqual(drawn)
    expect(new Set(drawn.map(String)).size).toBe(3)
    expect(run(modelOf({ name: 'drop' }), { training: true, seed: 4, step: 1 })).toEqual(drawn[1])
  })

  test('trains reproducibly in model.fit, and leaves no tensor behind', async () => {
    const [x, y] = [tf.randomUniform([16, 6], 0, 1, 'float32', 1), tf.ones([16, 1])]
    const fit = async (): Promise<number[]> => {
      const model = layers.sequential()
      const kernelInitializer = layers.initializers.ones()
      model.add(dropout({ rate: 0.25, name: 'first', inputShape: [6] }))
      model.add(layers.layers.dense({ units: 1, kernelInitializer }))
      model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' })
      const { history } = await model.fit(x, y, { epochs: 3, shuffle: false })
      model.dispose()
      return history['loss'] as number[]
    }
    const losses = await fit()
    expect(await fit()).toEqual(losses)
    const model = modelOf({})
    run(model, { training: true })
    const before = tf.memory().numTensors
    run(model, { training: true })
    run(model, {})
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('draws', () => {
  test('element: values are dropped independently at the rate', () => {
    const mask = maskOf([200, 20, 25], { rate: 0.3 })
    const dropped = mask.map((value) => Number(value === 0))
    const share = dropped.reduce((a, b) => a + b) / dropped.length
    // Three standard deviations of a mean of 100,000.
    expect(Math.abs(share - 0.3)).toBeLessThan(3 * Math.sqrt((0.3 * 0.7) / 1e5))
    // Neighbours, and the same position in the next image, are uncorrelated.
    for (const lag of [1, 25, 500]) {
      const both = dropped.filter((value, i) => value && dropped[i + lag]).length / 1e5
      expect(Math.abs(both - 0.09)).toBeLessThan(3 * Math.sqrt((0.09 * 0.91) / 1e5))
    }
  })

  test('channel: whole channels of an image', () => {
    const mask = dropoutMask([500, 4, 4, 20], {
      rate: 0.2,
      mode: 'channel',
      random: createRandom(1),
    })
    expect(mask.shape).toEqual([500, 1, 1, 20])
    const share = mask.dataSync().filter((value) => value === 0).length / 1e4
    expect(Math.abs(share - 0.2)).toBeLessThan(3 * Math.sqrt((0.2 * 0.8) / 1e4))
    expect(
      dropoutMask([2, 5], { rate: 0.5, mode: 'channel', random: createRandom(1) }).shape,
    ).toEqual([2, 5])
  })

  test.each([
    [0.1, 3, 10, 10],
    [0.25, 7, 8, 12],
    [0.5, 2, 4, 4],
    [0.3, 9, 5, 5],
  ])('block: rate %d with squares of %d in %d×%d', (rate, blockSize, height, width) => {
    const images = 2000
    const mask = maskOf([images, height, width, 2], { rate, mode: 'block', blockSize })
    const shares = Array.from({ length: images }, (_, i) => {
      const size = height * width * 2
      return mask.slice(i * size, (i + 1) * size).filter((value) => value === 0).length / size
    })
    const mean = shares.reduce((a, b) => a + b) / images
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / images
    expect(Math.abs(mean - rate)).toBeLessThan(4 * Math.sqrt(variance / images))
  })

  test('block: drops whole squares inside the image, independently per channel', () => {
    const [height, width, side] = [9, 7, 3]
    const mask = maskOf([40, height, width, 2], { rate: 0.15, mode: 'block', blockSize: side })
    const dropped = (image: number, row: number, column: number, channel: number): boolean =>
      mask[((image * height + row) * width + column) * 2 + channel] === 0
    let alike = 0
    for (let image = 0; image < 40; image++) {
      const planes = [0, 1].map((channel) => {
        const covered = new Set<number>()
        const positions = [...Array.from({ length: height * width }).keys()]
        const all = positions.filter((at) =>
          dropped(image, Math.floor(at / width), at % width, channel),
        )
        for (let row = 0; row + side <= height; row++)
          for (let column = 0; column + side <= width; column++) {
            const square = [0, 1, 2].flatMap((r) =>
              [0, 1, 2].map((c) => (row + r) * width + column + c),
            )
            if (square.every((at) => all.includes(at))) for (const at of square) covered.add(at)
          }
        expect([...covered].toSorted((a, b) => a - b)).toEqual(all)
        return all.join()
      })
      if (planes[0] !== '' && planes[0] === planes[1]) alike++
    }
    expect(alike).toBeLessThan(5)
  })
})

describe("law 9 for a layer: its masks have the paper's distribution", () => {
  const droppedIn = (shape: number[], options: Omit<MaskOptions, 'random'>): boolean[][] => {
    const mask = maskOf(shape, options)
    const size = mask.length / shape[0]!
    return Array.from({ length: shape[0]! }, (_, image) =>
      mask.slice(image * size, (image + 1) * size).map((value) => value === 0),
    )
  }
  /** Drops one more of ten values. */
  const more = (images: boolean[][]): boolean[][] =>
    images.map((values, image) => values.map((value, i) => value || (image * 7 + i) % 10 === 0))
  const alike = (images: boolean[][]): boolean[][] =>
    images.map((values) => values.map(() => values[0]!))

  test.each([0.1, 0.3, 0.5])('element: each value with probability %d', (rate) => {
    const check = (images: boolean[][]): void => {
      expectFrequencies({ dropped: images.flat() }, { true: rate, false: 1 - rate })
      for (const [i, j] of [
        [0, 1],
        [0, 4],
        [3, 7],
      ] as const)
        expectIndependent({
          one: images.map((values) => values[i]!),
          other: images.map((values) => values[j]!),
        })
    }
    const images = droppedIn([4000, 2, 2, 2], { rate })
    check(images)
    expect(() => check(more(images))).toThrow('dropped')
    expect(() => check(alike(images))).toThrow('dropped')
  })

  test('channel: each channel of an image at the rate, independently', () => {
    const check = (images: boolean[][]): void => {
      expectFrequencies({ dropped: images.flat() }, { true: 0.2, false: 0.8 })
      expectIndependent({
        first: images.map(([first]) => first!),
        second: images.map(([, second]) => second!),
      })
    }
    const images = droppedIn([8000, 3, 3, 2], { rate: 0.2, mode: 'channel' })
    expect(images[0]).toHaveLength(2)
    check(images)
    expect(() => check(more(images))).toThrow('dropped')
    expect(() => check(alike(images))).toThrow()
  })

  test('block: squares start anywhere with equal probability, independently', () => {
    // In 3×3 pixels, four 2×2 squares each have a corner pixel of their own, four pixels are in two, and one is in all.
    const gamma = 0.15
    const kept = (4 * (1 - gamma) + 4 * (1 - gamma) ** 2 + (1 - gamma) ** 4) / 9
    const probabilities = Object.fromEntries(
      Array.from({ length: 16 }, (_, squares) => {
        const count = [0, 1, 2, 3].filter((bit) => (squares >> bit) & 1).length
        return [squares, gamma ** count * (1 - gamma) ** (4 - count)]
      }),
    )
    const check = (images: boolean[][]): void => {
      const squares = images.map((values) =>
        [0, 2, 6, 8].reduce((bits, corner, bit) => bits + Number(values[corner]) * 2 ** bit, 0),
      )
      expectFrequencies({ squares }, probabilities)
    }
    const images = droppedIn([20_000, 3, 3, 1], { rate: 1 - kept, mode: 'block', blockSize: 2 })
    check(images)
    expect(() => check(more(images))).toThrow('squares')
    expect(() => check(alike(images))).toThrow('squares')
    const others = droppedIn([20_000, 3, 3, 1], {
      rate: 1.1 * (1 - kept),
      mode: 'block',
      blockSize: 2,
    })
    expect(() => check(others)).toThrow('squares')
  })
})

describe('config', () => {
  test('config contains every option, and a saved model makes the same draws', async () => {
    const options: Omit<Required<DropoutOptions>, 'inputShape'> = {
      rate: 0.25,
      mode: 'block',
      blockSize: 2,
      seed: 3,
      name: 'drop',
    }
    const layer = dropout(options)
    expect(layer.getConfig()).toMatchObject(options)
    expect(layer.getClassName()).toBe('TricksDropout')
    const model = layers.sequential()
    model.add(layers.layers.inputLayer({ inputShape: [4, 4, 2] }))
    model.add(layer)
    const loaded = await layers.models.modelFromJSON(JSON.parse(model.toJSON() as string))
    const given = { training: true, seed: 1, step: 2 }
    const x = tf.ones([2, 4, 4, 2])
    expectClose(loaded.apply(x, given) as tf.Tensor, model.apply(x, given) as tf.Tensor)
  })

  test('so does one that counted its own calls', async () => {
    const model = layers.sequential()
    model.add(layers.layers.inputLayer({ inputShape: [50] }))
    model.add(dropout({ name: 'drop' }))
    const x = tf.ones([2, 50])
    const next = (of: layers.LayersModel): tf.Tensor => of.apply(x, { training: true }) as tf.Tensor
    next(model)
    const loaded = await layers.models.modelFromJSON(JSON.parse(model.toJSON() as string))
    expectClose(next(loaded), next(model))
  })

  test.each<[DropoutOptions, string]>([
    [{ rate: 1 }, 'dropout: expected rate to be a number in [0, 1), got 1'],
    [{ rate: NaN }, 'rate to be a number in [0, 1), got NaN'],
    [{ mode: 'pixel' as 'element' }, "mode to be 'element', 'channel' or 'block', got pixel"],
    [{ blockSize: 0 }, 'blockSize to be a positive integer, got 0'],
    [{ seed: -1 }, 'seed to be an integer in [0, 4294967295], got -1'],
    [{ seed: 2 ** 32 }, 'seed to be an integer in [0, 4294967295], got 4294967296'],
    [{ rate: '0.5' as never }, 'rate to be a number in [0, 1), got 0.5'],
    [{ rate: null as never }, 'rate to be a number in [0, 1), got null'],
    [{ blockSize: '7' as never }, 'blockSize to be a positive integer, got 7'],
    [{ name: '' }, 'name to be non-empty text, got '],
    [{ inputShape: 6 as never }, 'inputShape to be a list of sizes, got 6'],
    [
      { ratio: 0.5 } as never,
      'options to be some of rate, mode, blockSize, seed, name, inputShape',
    ],
  ])('%j', (options, message) => {
    expect(() => dropout(options)).toThrow(message)
  })

  test.each([
    [{ rate: 1 }, 'rate to be a number in [0, 1), got 1'],
    [{ rate: '0.5' as never }, 'rate to be a number in [0, 1), got 0.5'],
    [{ rate: 0.5, mode: 'block' as const }, 'shape to be [batch, height, width, channels] in mode'],
    [{ rate: 0.5, blockSize: 0 }, 'blockSize to be a positive integer, got 0'],
  ])('a mask of %j', (options, message) => {
    expect(() => dropoutMask([2, 5], { ...options, random: createRandom(1) })).toThrow(
      `dropout: expected ${message}`,
    )
  })

  test("mode 'block' requires images", () => {
    expect(() => dropout({ mode: 'block' }).apply(tf.ones([2, 5]))).toThrow(
      "dropout: expected [batch, height, width, channels] in mode 'block', got [2,5]",
    )
  })
})
