// Image and mix tricks compute the same in one pass over the images as composed from tfjs operations.
import * as tf from '@tensorflow/tfjs-core'
import { onEachBackend } from '@tricks/conformance'
import { type Batch, createRandom, oneHot, type Trick } from '@tricks/core'
import { colorJitter } from '@tricks/color-jitter'
import { cutmix } from '@tricks/cutmix'
import { cutout } from '@tricks/cutout'
import { mixup } from '@tricks/mixup'
import { applyOperation, operations } from '@tricks/operations'
import { randAugment } from '@tricks/rand-augment'
import { randomCrop } from '@tricks/random-crop'
import { randomErasing } from '@tricks/random-erasing'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { randomRotation } from '@tricks/random-rotation'
import { ricap } from '@tricks/ricap'
import { trivialAugment } from '@tricks/trivial-augment'
import { autoAugment } from '@tricks/autoaugment'
import { describe, expect, test } from 'vitest'

const kernelName = 'AugmentImages'

/** Runs a function without the backend's kernel. */
function composed<T>(run: () => T): T {
  const kernel = tf.getKernel(kernelName, tf.getBackend())
  tf.unregisterKernel(kernelName, tf.getBackend())
  try {
    return run()
  } finally {
    tf.registerKernel(kernel)
  }
}

type Shape = [batch: number, height: number, width: number, channels: number]
const shapes: readonly Shape[] = [
  [1, 5, 7, 3],
  [9, 8, 6, 3],
  [4, 12, 11, 1],
  [40, 32, 32, 3],
]
const imagesOf = (shape: Shape): tf.Tensor4D =>
  tf.tidy(() => tf.div(tf.round(tf.randomUniform<tf.Rank.R4>(shape, 0, 255, 'float32', 3)), 255))
const batchOf = (shape: Shape): Batch => ({
  images: imagesOf(shape),
  targets: oneHot(
    Array.from({ length: shape[0] }, (_, i) => i % 4),
    4,
  ),
})

const colours: Trick[] = [
  colorJitter({ brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.4, shift: 0.1 }),
  autoAugment({ policy: 'imagenet' }),
  autoAugment({ policy: 'svhn', fill: 'mean' }),
  randAugment(),
  trivialAugment(),
]
const tricks: Trick[] = [
  randomCrop({ padding: 3 }),
  randomCrop({ padding: 4, mode: 'reflect' }),
  randomCrop({ padding: 20, mode: 'edge' }),
  randomFlip(),
  randomFlip({ direction: 'vertical' }),
  cutout({ length: 5, holes: 2 }),
  randomErasing({ fill: 'mean' }),
  randomErasing({ probability: 1, fill: 'random' }),
  randomRotation({ degrees: 180 }),
  randomRotation({ degrees: 180, interpolation: 'bilinear', fill: 0.5 }),
  randomResizedCrop(),
  randomResizedCrop({ area: [0.5, 1], ratio: [0.2, 5] }),
  randomResizedCrop({ size: [5, 9] }),
  randomResizedCrop({ size: [40, 3], area: [0.3, 1] }),
  mixup({ alpha: 1 }),
  mixup({ alpha: 1, perImage: true }),
  cutmix(),
  ricap({ beta: 1 }),
  ...colours,
]

const nameOf = ({ name, options }: Trick): string => `${name} ${JSON.stringify(options)}`

function apply(trick: Trick, batch: Batch, step: number): Batch {
  const [size, height, width, channels] = batch.images.shape
  const shape = {
    batch: size,
    height,
    width,
    channels,
    classes: 4,
    mean: [0.3, 0.5, 0.7].slice(0, channels),
  }
  const time = { step, stepsPerEpoch: 10, steps: 10 }
  const random = createRandom(1).fork(trick.name).at(step)
  const { images, mix } = trick
  if (mix) return mix.apply(batch, mix.draw(random, shape, time))
  const params = images!.draw(random, shape, time)
  if (params === undefined) return batch
  return { ...batch, images: images!.apply(batch.images, params) }
}

/** The largest difference, and the share of values that differ by more than 1e-6. */
function difference(a: tf.Tensor, b: tf.Tensor): { most: number; share: number } {
  const [x, y] = [a.dataSync(), b.dataSync()]
  expect(x.length).toBe(y.length)
  const apart = Array.from(x, (value, i) => Math.abs(value - y[i]!))
  return {
    most: Math.max(...apart),
    share: apart.filter((each) => !(each <= 1e-6)).length / x.length,
  }
}

onEachBackend((backend) => {
  const has = () => tf.getKernel(kernelName, backend) !== undefined

  describe.each(tricks.map((trick) => [nameOf(trick), trick] as const))('%s', (_, trick) => {
    test.each(shapes)('on %d images of %d × %d × %d', (...shape) => {
      if (!has()) return
      for (let step = 0; step < 3; step++)
        tf.tidy(() => {
          const batch = batchOf(shape)
          const once = apply(trick, batch, step)
          const many = composed(() => apply(trick, batch, step))
          // An image's mean depends on the order of the sum in its last bit. Levels may then be rounded to the next one,
          // and a hue times six doubles the difference.
          const summed = colours.includes(trick)
          const jitter = trick.name === 'color-jitter'
          const { most, share } = difference(once.images, many.images)
          expect(share).toBeLessThanOrEqual(summed ? 1e-3 : 0)
          // Without doubles, a source exactly between two pixels may be the other one.
          if (backend !== 'webgpu' || !summed || jitter)
            expect(most).toBeLessThanOrEqual(jitter ? 2e-6 : summed ? 1.01 / 255 : 1e-6)
          expect(difference(once.targets, many.targets).most).toBeLessThanOrEqual(1e-6)
          return []
        })
    })
  })

  test.each(operations)('%s', (op) => {
    if (!has()) return
    for (const shape of shapes)
      for (const interpolation of ['nearest', 'bilinear'] as const)
        tf.tidy(() => {
          const images = imagesOf(shape)
          const magnitudes = Array.from({ length: shape[0] }, (_, i) => magnitudeOf(op, i))
          const partners = magnitudes.map((_each, i) => (i * 7) % shape[0])
          const run = () =>
            applyOperation(images, { op, magnitudes, partners, interpolation, fill: 0.5 })
          const { most, share } = difference(run(), composed(run))
          expect(share, `${op} ${shape.join('×')} ${interpolation}`).toBeLessThanOrEqual(
            op === 'Contrast' ? 1e-3 : 0,
          )
          expect(most).toBeLessThanOrEqual(op === 'Contrast' ? 1.01 / 255 : 1e-6)
          return []
        })
  })

  test('has the gradient of the composition', () => {
    if (!has()) return
    tf.tidy(() => {
      const { images, targets } = batchOf([6, 5, 4, 3])
      for (const trick of [mixup({ alpha: 1 }), colorJitter({ hue: 0 })]) {
        const loss = (x: tf.Tensor4D) =>
          tf.sum(tf.square(apply(trick, { images: x, targets }, 1).images))
        const gradient = tf.grad(loss as (x: tf.Tensor) => tf.Tensor)
        const { most } = difference(
          gradient(images),
          composed(() => gradient(images)),
        )
        expect(most).toBeLessThanOrEqual(1e-5)
      }
      return []
    })
  })

  test('keeps no tensors', () => {
    if (!has()) return
    const batch = batchOf([6, 8, 8, 3])
    const before = tf.memory().numTensors
    for (const trick of tricks) {
      const made = apply(trick, batch, 1)
      const kept = (made.images === batch.images ? 0 : 1) + (made.targets === batch.targets ? 0 : 1)
      expect(tf.memory().numTensors - before, nameOf(trick)).toBe(kept)
      for (const each of [made.images, made.targets])
        if (each !== batch.images && each !== batch.targets) each.dispose()
    }
    tf.dispose([batch.images, batch.targets])
  })
})

function magnitudeOf(op: (typeof operations)[number], i: number): number {
  const sign = i % 2 ? 1 : -1
  if (op.startsWith('Shear')) return (sign * (i % 5)) / 10
  if (op.startsWith('Translate')) return sign * (i % 6)
  if (op === 'Rotate') return sign * 13.7 * (i % 9)
  if (op === 'Solarize') return (i * 37) % 256
  if (op === 'Posterize') return 1 + (i % 8)
  if (op === 'Cutout') return i % 6
  if (op === 'SamplePairing') return (i % 5) / 4
  return sign * 0.19 * (i % 5)
}
