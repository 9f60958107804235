import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { expectClose, onEachBackend } from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { drawDropout, dropout, type DropoutOptions, type MaskOptions } from '../src/index.ts'

/** What a layer makes of ones in training. */
function dropped(
  options: DropoutOptions,
  shape: number[],
  kwargs: Record<string, unknown> = { seed: 1, step: 0 },
): number[] {
  return tf.tidy(() => {
    const layer = dropout({ name: 'dropout', ...options })
    const y = layer.apply(tf.ones(shape), { training: true, ...kwargs }) as tf.Tensor
    expect(y.shape).toEqual(shape)
    return [...y.dataSync()]
  })
}

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length

onEachBackend(() => {
  test.each([0.1, 0.5, 0.9])('drops a share of %d and scales the rest up', (rate) => {
    const values = dropped({ rate }, [8, 5, 5, 16])
    const share = values.filter((value) => value === 0).length / values.length
    // Four standard deviations of a share of 3200.
    expect(Math.abs(share - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / 3200))
    expectClose(
      values.filter((value) => value > 0),
      values.filter((value) => value > 0).map(() => 1 / (1 - rate)),
    )
  })

  test('passes the gradient through what is kept', () => {
    tf.tidy(() => {
      const layer = dropout({ rate: 0.5, name: 'dropout' })
      const apply = (x: tf.Tensor): tf.Tensor =>
        layer.apply(x, { training: true, seed: 1, step: 3 }) as tf.Tensor
      const x = tf.ones([4, 10])
      expectClose(tf.grad((given) => apply(given))(x), apply(x))
    })
  })

  test('leaves no tensor behind', () => {
    const x = tf.ones([4, 10])
    const layer = dropout({ rate: 0.5 })
    const first = layer.apply(x, { training: true, seed: 1, step: 0 }) as tf.Tensor
    const before = tf.memory().numTensors
    tf.dispose(layer.apply(x, { training: true, seed: 1, step: 1 }) as tf.Tensor)
    expect(tf.memory().numTensors).toBe(before)
    tf.dispose([x, first])
  })

  test('does nothing outside training, and at a rate of 0', () => {
    tf.tidy(() => {
      const ones = tf.ones([2, 3])
      expectClose(dropout({ rate: 0.9 }).apply(ones) as tf.Tensor, ones)
      expectClose(
        dropout({ rate: 0.9 }).apply(ones, { training: false, seed: 1, step: 1 }) as tf.Tensor,
        ones,
      )
    })
    expect(dropped({ rate: 0 }, [2, 2])).toEqual([1, 1, 1, 1])
  })
})

describe('by channel', () => {
  test('a channel of an image is dropped as a whole', () => {
    const values = dropped({ rate: 0.5, kind: 'channel' }, [16, 3, 3, 32])
    const at = (image: number, pixel: number, channel: number): number =>
      values[(image * 9 + pixel) * 32 + channel]!
    for (let image = 0; image < 16; image++)
      for (let channel = 0; channel < 32; channel++)
        for (let pixel = 1; pixel < 9; pixel++)
          expect(at(image, pixel, channel)).toBe(at(image, 0, channel))
    expect(Math.abs(meanOf(values) - 1)).toBeLessThan(4 / Math.sqrt(512))
  })

  test('values of a flat input are channels', () => {
    const shape = [16, 20]
    expect(dropped({ rate: 0.5, kind: 'channel' }, shape)).toEqual(dropped({ rate: 0.5 }, shape))
  })
})

describe('by block', () => {
  const size = 12
  const maskOf = (options: Partial<MaskOptions>, batch = 1, channels = 1): Float32Array =>
    drawDropout(createRandom(2), [batch, size, size, channels], {
      rate: 0.1,
      kind: 'block',
      blockSize: 3,
      ...options,
    }).values

  test('what is dropped are whole squares', () => {
    const mask = maskOf({ rate: 0.2 })
    const dropsAt = (row: number, column: number): boolean => mask[row * size + column] === 0
    const squareAt = (row: number, column: number): boolean =>
      [0, 1, 2].every((r) => [0, 1, 2].every((c) => dropsAt(row + r, column + c)))
    expect(mask).toContain(0)
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++)
        if (dropsAt(row, column))
          expect(
            [0, 1, 2].some((r) => [0, 1, 2].some((c) => squareAt(row - r, column - c))),
            `[${row}, ${column}]`,
          ).toBe(true)
  })

  test("each image's mean stays, and about the wanted share is dropped", () => {
    const masks = maskOf({}, 64, 4)
    const each = size * size * 4
    for (let image = 0; image < 64; image++)
      expect(meanOf([...masks.subarray(image * each, (image + 1) * each)])).toBeCloseTo(1, 5)
    const share = masks.filter((value) => value === 0).length / masks.length
    // Overlapping squares drop a little less.
    expect(share).toBeGreaterThan(0.08)
    expect(share).toBeLessThan(0.105)
  })

  test('channels of an image have squares of their own', () => {
    const mask = maskOf({ rate: 0.3 }, 1, 2)
    const [first, second] = [0, 1].map((channel) => mask.filter((_, i) => i % 2 === channel))
    expect(first).not.toEqual(second)
  })

  test('a block as large as the image drops channels, all of them too', () => {
    const mask = maskOf({ rate: 0.5, blockSize: 99 }, 64)
    const images = Array.from({ length: 64 }, (_, i) => [...mask.subarray(i * 144, (i + 1) * 144)])
    for (const image of images) expect(new Set(image).size).toBe(1)
    const share = images.filter(([value]) => value === 0).length / 64
    expect(Math.abs(share - 0.5)).toBeLessThan(0.25)
  })

  test('it needs images', () => {
    const layer = dropout({ rate: 0.1, kind: 'block', name: 'drop' })
    expect(() => layer.apply(tf.ones([2, 3]))).toThrow(
      'dropout: blocks need [batch, height, width, channels], got [2,3]',
    )
  })
})

describe('draws', () => {
  const shape = [8, 40]
  const draws = (kwargs: Record<string, unknown>, name = 'dropout'): number[] =>
    dropped({ rate: 0.5, name }, shape, kwargs)

  test('depend on seed, name and step alone', () => {
    const drawn = draws({ seed: 1, step: 5 })
    expect(draws({ seed: 1, step: 5 })).toEqual(drawn)
    expect(draws({ seed: 2, step: 5 })).not.toEqual(drawn)
    expect(draws({ seed: 1, step: 6 })).not.toEqual(drawn)
    expect(draws({ seed: 1, step: 5 }, 'other')).not.toEqual(drawn)
    expect(dropped({ rate: 0.5, seed: 9 }, shape, { seed: 1, step: 5 })).toEqual(drawn)
  })

  test("a shard's are a slice of the whole batch's", () => {
    const whole = draws({ seed: 1, step: 5 })
    const shard = dropped({ rate: 0.5 }, [3, 40], { seed: 1, step: 5, first: 4 })
    expect(shard).toEqual(whole.slice(4 * 40, 7 * 40))
  })

  test('neighbours, images and steps are independent', () => {
    const mask = (step: number): Float32Array =>
      drawDropout(createRandom(1).at(step), [2, 20_000], {
        rate: 0.5,
        kind: 'element',
        blockSize: 1,
      }).values
    const [first, second] = [mask(0), mask(1)]
    const images = [first.subarray(0, 20_000), first.subarray(20_000)] as const
    const pairs = [
      [images[0].subarray(1), images[0].subarray(0, -1)],
      [images[0].subarray(2), images[0].subarray(0, -2)],
      images,
      [first, second],
    ] as const
    for (const [a, b] of pairs) {
      const correlation = meanOf(Array.from(a, (value, i) => (value - 1) * (b[i]! - 1)))
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(a.length))
    }
  })
})

/** A small model that drops, and data to fit. */
function build(): layers.Sequential {
  const model = layers.sequential()
  model.add(
    layers.layers.dense({
      units: 8,
      inputShape: [4],
      kernelInitializer: layers.initializers.glorotUniform({ seed: 1 }),
    }),
  )
  model.add(dropout({ rate: 0.5, seed: 3, name: 'dropout' }))
  model.add(
    layers.layers.dense({
      units: 1,
      kernelInitializer: layers.initializers.glorotUniform({ seed: 2 }),
    }),
  )
  return model
}
const x = tf.tensor2d(
  Array.from({ length: 32 }, (_, i) => Math.sin(i)),
  [8, 4],
)
const y = tf.tensor2d(
  Array.from({ length: 8 }, (_, i) => i / 8),
  [8, 1],
)

async function fit(model: layers.LayersModel, epochs: number): Promise<number[]> {
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' })
  const { history } = await model.fit(x, y, { epochs, batchSize: 4, shuffle: false })
  return history['loss'] as number[]
}

describe('in a model', () => {
  test('seed and step reach it, in a model of a model too', () => {
    tf.tidy(() => {
      const inner = layers.sequential({ name: 'inner' })
      inner.add(layers.layers.inputLayer({ inputShape: [40] }))
      inner.add(dropout({ rate: 0.5, name: 'dropout' }))
      const outer = layers.sequential()
      outer.add(inner)
      const kwargs = { training: true, seed: 1, step: 5 }
      const made = outer.apply(tf.ones([8, 40]), kwargs) as tf.Tensor
      expect([...made.dataSync()]).toEqual(dropped({ rate: 0.5 }, [8, 40], { seed: 1, step: 5 }))
    })
  })

  test('fit draws anew each step, the same in each run', async () => {
    const losses = await fit(build(), 4)
    dropout({ rate: 0.5 })
    expect(await fit(build(), 4)).toEqual(losses)
    const still = build()
    const layer = still.getLayer('dropout')
    layer.call = (inputs) => (inputs as tf.Tensor[])[0]!
    expect(await fit(still, 4)).not.toEqual(losses)
  })

  test('a model that was saved goes on as if it had not been', async () => {
    const whole = await fit(build(), 5)
    const model = build()
    await fit(model, 2)
    let saved: tf.io.ModelArtifacts | undefined
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
      }),
    )
    const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved!))
    expect(await fit(loaded, 3)).toEqual(whole.slice(2))
  })
})

test.each<[DropoutOptions, string]>([
  [{ rate: 1 }, 'dropout: expected rate to be a number in [0, 1), got 1'],
  [{ rate: NaN }, 'dropout: expected rate to be a number in [0, 1), got NaN'],
  [
    { rate: 0.5, kind: 'row' as 'block' },
    "dropout: expected kind to be 'element', 'channel' or 'block', got row",
  ],
  [{ rate: 0.5, blockSize: 0 }, 'dropout: expected blockSize to be a positive integer, got 0'],
  [{ rate: 0.5, seed: -1 }, 'dropout: expected seed to be a whole number in [0, 2^32), got -1'],
])('%o is refused', (options, message) => {
  expect(() => dropout(options)).toThrow(message)
})
