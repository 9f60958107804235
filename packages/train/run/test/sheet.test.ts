import * as tf from '@tensorflow/tfjs-core'
import { compose, during, oneHot, oneOf, sometimes, type Trick } from '@tricks/core'
import { cutout } from '@tricks/cutout'
import { mixup } from '@tricks/mixup'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { ricap } from '@tricks/ricap'
import { type ImageSet, openData } from '@tricks/train'
import { expect, test } from 'vitest'
import { batchSheet, imageSheet, stepSheet } from '../src/record.ts'

const mean = [0.5, 0.4, 0.3]
const set: ImageSet = {
  images: Uint8Array.from({ length: 40 * 8 * 8 * 3 }, (_, i) => (i * i * 7 + i) % 256),
  labels: Uint8Array.from({ length: 40 }, (_, i) => i % 3),
  height: 8,
  width: 8,
  channels: 3,
  classes: ['cat', 'ship', 'dog'],
}
const pipelineTricks = (): Trick[] => [
  randomCrop({ padding: 2 }),
  randomFlip(),
  sometimes(0.5, cutout({ length: 4 })),
  mixup({ alpha: 1 }),
]

test("the last row of a step equals the pipeline's output", async () => {
  const tricks = pipelineTricks()
  const options = { train: set, validation: 4, batchSize: 10, epochs: 3, seed: 5 }
  const data = openData(options)
  const step = 5
  const sheet = await stepSheet({ tricks, seed: 5, data, step, classes: set.classes })

  const { stepsPerEpoch, steps } = data.time(0)
  const { facts } = data
  const pipeline = compose(tricks, { seed: 5, stepsPerEpoch, steps, ...facts })
  const raw = data.batch(step)
  const seen = pipeline.batch(raw.images, raw.targets, data.time(step))
  const pixels = await tf
    .add(tf.mul(seen.images, tf.tensor1d([...facts.deviation])), tf.tensor1d([...facts.mean]))
    .data()

  expect(sheet.rows.map(({ label }) => label)).toEqual([
    'original',
    'random-crop',
    'random-flip',
    'sometimes(cutout)',
    'with',
    'mixup',
  ])
  const last = sheet.rows.at(-1)!.tiles
  expect(last).toHaveLength(8)
  last.forEach(({ pictures: [picture] }, i) => {
    const own = pixels.slice(i * 192, (i + 1) * 192)
    picture!.pixels.forEach((level, k) =>
      expect(Math.abs(level - own[k]! * 255)).toBeLessThan(0.502),
    )
  })
  const original = await raw.images.data()
  sheet.rows[0]!.tiles.forEach(({ pictures: [picture] }, i) =>
    expect([...picture!.pixels]).toEqual(
      Array.from(original.slice(i * 192, (i + 1) * 192), (value) => Math.round(value * 255)),
    ),
  )
})

test('a mix row shows the pair, the weight and the targets', async () => {
  const sheet = await imageSheet(set, [0, 1, 2, 3], {
    tricks: [mixup({ alpha: 1 })],
    mean,
    seed: 2,
  })
  const [original, partner, mixed] = sheet.rows
  const shape = { batch: 4, height: 8, width: 8, channels: 3, classes: 3 }
  const { permutation, lambda } = compose([mixup({ alpha: 1 })], { seed: 2, mean }).draw(shape, 0)
    .mix['mixup'] as { permutation: Int32Array; lambda: number }
  mixed!.tiles.forEach(({ captions }, i) => {
    const other = permutation[i]!
    expect([...partner!.tiles[i]!.pictures[0]!.pixels]).toEqual([
      ...original!.tiles[other]!.pictures[0]!.pixels,
    ])
    expect(captions[0]).toBe(`λ ${lambda.toFixed(2)}`)
    if (set.labels[i] === set.labels[other]) expect(captions[1]).toBe(set.classes[set.labels[i]!])
    else
      expect(captions.slice(1).toSorted()).toEqual(
        [
          `${lambda.toFixed(2)} ${set.classes[set.labels[i]!]}`,
          `${(1 - lambda).toFixed(2)} ${set.classes[set.labels[other]!]}`,
        ].toSorted(),
      )
  })
})

test('shows all of four partners', async () => {
  const sheet = await imageSheet(set, [0, 1, 2, 3], { tricks: [ricap()], mean })
  expect(sheet.rows[1]!.tiles.map(({ pictures }) => pictures.length)).toEqual([4, 4, 4, 4])
})

test('a single row shows the final result with all draws', async () => {
  const tricks = pipelineTricks()
  const each = await imageSheet(set, [0, 1, 2, 3], { tricks, mean, seed: 3 })
  const result = await imageSheet(set, [0, 1, 2, 3], { tricks, mean, seed: 3, rows: 'result' })
  expect(result.rows.map(({ label }) => label)).toEqual(['original', 'result'])
  result.rows[1]!.tiles.forEach((tile, i) => {
    expect(tile.pictures).toEqual(each.rows.at(-1)!.tiles[i]!.pictures)
    const shown = each.rows.filter(({ label }) => !['original', 'with'].includes(label))
    expect(tile.captions).toEqual(shown.flatMap(({ tiles }) => tiles[i]!.captions))
  })
})

test('a trick outside its window has no row', async () => {
  const tricks = [during({ from: { epochs: 1 } }, cutout({ length: 4 })), randomFlip()]
  const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
  const labels = async (step: number): Promise<string[]> =>
    (await imageSheet(set, [0], { tricks, mean, time: { ...time, step } })).rows.map(
      ({ label }) => label,
    )
  expect(await labels(9)).toEqual(['original', 'random-flip'])
  expect(await labels(10)).toEqual(['original', 'during(cutout)', 'random-flip'])
})

test('leaves the batch unchanged and no tensors behind', async () => {
  const images = tf.randomUniform<tf.Rank.R4>([3, 8, 8, 3], 0, 1, 'float32', 1)
  const targets = oneHot([0, 1, 2], 3)
  const before = [await images.data(), tf.memory().numTensors]
  const tricks = [...pipelineTricks(), cutout({ length: 2 })]
  const time = { step: 0, stepsPerEpoch: 1, steps: 1 }
  await batchSheet({ images, targets }, time, { tricks, mean, classes: set.classes })
  await batchSheet({ images, targets }, time, { tricks: [], mean, classes: set.classes })
  expect([await images.data(), tf.memory().numTensors]).toEqual(before)
  await imageSheet(set, [1], { tricks, mean })
  expect(tf.memory().numTensors).toBe(before[1])
})

test('rejects indices outside the set or the batch', async () => {
  await expect(imageSheet(set, [0, 40], { tricks: [], mean })).rejects.toThrow(
    'preview: expected images to be indices in [0, 40), got 40',
  )
  await expect(imageSheet(set, [0, 1], { tricks: [], mean, show: [2] })).rejects.toThrow(
    'preview: expected show to hold indices in [0, 2), got 2',
  )
})

test('for a combinator, each image is described by the trick that acts on it', async () => {
  const tricks = [
    oneOf([
      [cutout({ length: 2 }), 1],
      [randomFlip({ probability: 1 }), 1],
    ]),
  ]
  const { rows } = await imageSheet(set, [0, 1, 2, 3, 4, 5, 6, 7], { tricks, mean, seed: 1 })
  const captions = rows[1]!.tiles.map((tile) => tile.captions.join())
  expect(captions).toContain('flip')
  expect(captions.filter((each) => each !== 'flip').length).toBeGreaterThan(0)
  for (const each of captions) expect(each).toMatch(/^(flip|cutout \d, \d)$/)
})

test('a trick without describe is described by its parameters', async () => {
  const params = {
    angles: [1, -2.345],
    on: [false, true],
    noise: new Float32Array(100),
    strength: 0.5,
    modes: ['hard', 'soft'],
  }
  const images = { draw: () => params, apply: <T>(batch: T) => batch }
  const wobble = { name: 'wobble', options: {}, images } as unknown as Trick
  const captions = async (trick: Trick): Promise<(readonly string[])[]> =>
    (await imageSheet(set, [0, 1], { tricks: [trick], mean })).rows[1]!.tiles.map(
      (tile) => tile.captions,
    )
  expect(await captions(wobble)).toEqual([
    ['angles 1', 'on false', 'strength 0.5', 'modes hard'],
    ['angles -2.35', 'on true', 'strength 0.5', 'modes soft'],
  ])

  const describe = ({ angles }: typeof params, image: number): string =>
    image === 0 ? '' : `by ${angles[image]}, at 3, 4, softly`
  const described = { ...wobble, images: { ...images, describe } } as unknown as Trick
  const words = ['by -2.345', 'at 3, 4', 'softly']
  expect(await captions(described)).toEqual([[], words])
  expect(await captions(during({}, described))).toEqual([[], words])
})
