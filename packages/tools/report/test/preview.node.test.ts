import * as tf from '@tensorflow/tfjs-core'
import { autoAugment } from '@tricks/autoaugment'
import { colorJitter } from '@tricks/color-jitter'
import { compose, during, oneHot, oneOf, sometimes, type Trick } from '@tricks/core'
import { cutout } from '@tricks/cutout'
import { mixup } from '@tricks/mixup'
import { pcaLighting } from '@tricks/pca-lighting'
import { randomCrop } from '@tricks/random-crop'
import { randomErasing } from '@tricks/random-erasing'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { randomRotation } from '@tricks/random-rotation'
import { ricap } from '@tricks/ricap'
import { type ImageSet, openData } from '@tricks/train'
import { expect, test } from 'vitest'
import { captionsOf } from '../src/preview-captions.ts'
import { sheetSvg } from '../src/preview-svg.ts'
import { batchSheet, imageSheet, stepSheet } from '../src/preview.ts'

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

test('the last row of a step is what the network saw: the pipeline gives the same pictures', async () => {
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

test('a mix row tells the pair, the share and the targets', async () => {
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

test('of four partners all are shown', async () => {
  const sheet = await imageSheet(set, [0, 1, 2, 3], { tricks: [ricap()], mean })
  expect(sheet.rows[1]!.tiles.map(({ pictures }) => pictures.length)).toEqual([4, 4, 4, 4])
  // Two across: each picture is half of a tile of 96, less the gap.
  expect(sheetSvg(sheet).match(/width="47" height="47"/g)).toHaveLength(16)
})

test('one row holds what came out of all, with all that was drawn', async () => {
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

test('the batch is left alone and nothing is kept', async () => {
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

test('places that are not there are refused', async () => {
  await expect(imageSheet(set, [0, 40], { tricks: [], mean })).rejects.toThrow(
    'preview: expected images to be places in [0, 40), got 40',
  )
  await expect(imageSheet(set, [0, 1], { tricks: [], mean, show: [2] })).rejects.toThrow(
    'preview: expected show to hold places in [0, 2), got 2',
  )
})

const at = { place: 1, size: 2 }
test.each<[Trick, unknown, string[]]>([
  [
    randomCrop(),
    {
      offsets: [
        [4, 4],
        [7, 2],
      ],
      padding: 4,
    },
    ['crop +3 −2'],
  ],
  [
    randomCrop(),
    {
      offsets: [
        [4, 4],
        [4, 4],
      ],
      padding: 4,
    },
    ['crop 0 0'],
  ],
  [
    randomResizedCrop(),
    {
      boxes: [
        [0, 0, 8, 8],
        [1, 2, 3, 4],
      ],
    },
    ['3×4', 'at 1, 2'],
  ],
  [randomFlip(), { flips: [false, true] }, ['flip']],
  [randomFlip(), { flips: [true, false] }, []],
  [randomRotation(), { degrees: [0, -11.6] }, ['turn −12°']],
  [randomRotation(), { degrees: [0, -0.2] }, ['turn 0°']],
  [
    colorJitter(),
    { brightness: [1, 1.25], contrast: [1, 0.8], saturation: [1, 1.1], hue: [0, -0.1] },
    ['light 1.25', 'contrast 0.80', 'colour 1.10', 'hue −36°'],
  ],
  [
    colorJitter(),
    {
      shift: [
        [0, 0, 0],
        [0.1, -0.05, 0],
      ],
    },
    ['shift +0.10 −0.05 0.00'],
  ],
  [
    pcaLighting(),
    {
      alphas: [
        [0, 0, 0],
        [0.05, -0.1, 0.021],
      ],
    },
    ['α +.05 −.10 +.02'],
  ],
  [
    autoAugment(),
    {
      steps: [
        [null, null],
        [{ op: 'Rotate', magnitude: -12.4 }, null],
      ],
    },
    ['Rotate −12°'],
  ],
  [
    autoAugment(),
    {
      steps: [
        [],
        [
          { op: 'Equalize', magnitude: 0 },
          { op: 'Solarize', magnitude: 198.33 },
          { op: 'Posterize', magnitude: 5 },
        ],
      ],
    },
    ['Equalize', 'Solarize 198', 'Posterize 5'],
  ],
  [autoAugment(), { steps: [[], [{ op: 'ShearX', magnitude: 0.2667 }]] }, ['ShearX +0.27']],
  [
    cutout(),
    {
      centers: [
        [],
        [
          [12, 20],
          [0, 3],
        ],
      ],
    },
    ['cutout 12, 20', 'cutout 0, 3'],
  ],
  [randomErasing(), { boxes: [null, [4, 0, 12, 9]] }, ['erase 12×9', 'at 4, 0']],
  [randomErasing(), { boxes: [[4, 0, 12, 9], null] }, []],
  [mixup(), { lambda: 0.7123 }, ['λ 0.71']],
  [mixup(), { lambda: [0.1, 0.25] }, ['λ 0.25']],
  [ricap(), { boundary: [12, 20] }, ['meet 12, 20']],
  [
    oneOf([
      [cutout(), 1],
      [randomFlip(), 1],
    ]),
    {
      choice: [0, 1],
      params: { cutout: { centers: [[[1, 2]], []] }, 'random-flip': { flips: [false, true] } },
    },
    ['flip'],
  ],
  [during({}, cutout()), { cutout: { centers: [[], [[1, 2]]] } }, ['cutout 1, 2']],
  [during({}, cutout()), undefined, []],
])('what %o drew, in words', (trick, params, told) => {
  expect(captionsOf(trick, params, at)).toEqual(told)
})

test("another's trick is told by the names of what it drew, or in one's own words", () => {
  const trick: Trick = { name: 'wobble', options: {} }
  const params = {
    angles: [1, -2.345],
    where: [
      [0, 0],
      [3, 4],
    ],
    on: [false, true],
    noise: new Float32Array(100),
    strength: 0.5,
    mode: 'soft',
  }
  expect(captionsOf(trick, params, at)).toEqual([
    'angles −2.35',
    'where 3, 4',
    'on yes',
    'strength 0.5',
  ])
  const own = { wobble: ({ angles }: { angles: number[] }) => [`wobbles by ${angles[1]}`] }
  expect(captionsOf(trick, params, at, own)).toEqual(['wobbles by -2.345'])
})

test('text is escaped, and pictures stay square pixels', () => {
  const picture = { pixels: Uint8Array.of(1, 2, 3), width: 1, height: 1, channels: 3 as const }
  const tiles = [{ pictures: [picture], captions: ['a < b & "c"'] }]
  const svg = sheetSvg({ rows: [{ label: '<i>', tiles }] })
  expect(svg).toContain('>a &lt; b &amp; &quot;c&quot;</text>')
  expect(svg).toContain('>&lt;i></text>')
  expect(svg).toMatch(/href="data:image\/png;base64,[^"]+" style="image-rendering:pixelated"/)
})
