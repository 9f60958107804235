import { expect, test } from 'vitest'
import {
  decodeTensors,
  encodeBatch,
  encodePredictions,
  encodeTensors,
  parseRun,
  shownMistakes,
} from '../src/record.ts'

const [height, width, channels, classes] = [2, 3, 3, 4]
const size = height * width * channels
const labels = Int32Array.from({ length: 60 }, (_, i) => i % classes)
const images = Uint8Array.from({ length: labels.length * size }, (_, i) => (i * 7) % 256)
/** Every image except each third is predicted as the next class, with rising confidence. */
const logits = Float32Array.from({ length: labels.length * classes }, (_, i) => {
  const image = Math.floor(i / classes)
  const predicted = (labels[image]! + (image % 3 === 0 ? 0 : 1)) % classes
  return i % classes === predicted ? 1 + image / 10 : 0
})
const predictions = encodePredictions(logits, { images, labels, height, width, channels })

const tiles = (captions: readonly string[]) =>
  Array.from({ length: 5 }, (_, i) => ({
    pictures: [{ pixels: images.subarray(i * size, (i + 1) * size), height, width, channels }],
    captions,
  }))
const drawn = ['flip', '0.70 bird', '0.30 cat']
const batch = encodeBatch(
  {
    rows: [
      { label: 'original', tiles: tiles(['bird']) },
      { label: 'result', tiles: tiles(drawn) },
    ],
  },
  7,
)
const lines = [
  { kind: 'step', steps: 20, rate: 0.1, loss: 2, accuracy: 0.2 },
  { kind: 'epoch', steps: 20, epoch: 0, rate: 0.1, training: { loss: 2, accuracy: 0.2 } },
]
const metrics = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
const files = { name: 'mine', run: JSON.stringify({ state: 'finished', classes: ['a', 'b'] }) }

test('reads a complete run', () => {
  const record = parseRun({ ...files, metrics, test: predictions, batch, alive: false })
  expect(record).toMatchObject({
    name: 'mine',
    state: 'finished',
    alive: false,
    damage: [],
    run: { classes: ['a', 'b'] },
    steps: [lines[0]],
    epochs: [lines[1]],
    batch: { step: 7 },
  })
  expect(record.batch!.images).toHaveLength(5)
  expect(record.batch!.images[1]).toMatchObject({ label: 'bird', drawn })
  expect(record.batch!.images[1]!.seen.pixels).toEqual(images.subarray(size, 2 * size))
  expect([record.test!.logits, record.test!.labels]).toEqual([logits, labels])
})

test('predictions include the pictures of the mistakes that a page shows', () => {
  const { validation } = parseRun({ ...files, metrics, validation: predictions })
  const { worst, mostConfident } = shownMistakes(validation!)
  expect(worst).toHaveLength(12)
  expect(worst[0]!.index).toBe(59)
  expect(new Set(mostConfident.map(({ index }) => index))).toEqual(new Set([53, 56, 58, 59]))
  expect(mostConfident).toHaveLength(4)
  expect(validation!.pictures.size).toBe(
    new Set([...worst, ...mostConfident].map((m) => m.index)).size,
  )
  for (const { index } of [...worst, ...mostConfident])
    expect(validation!.pictures.get(index)).toEqual({
      height,
      width,
      channels,
      pixels: images.subarray(index * size, (index + 1) * size),
    })
})

test('reads a line whose loss is NaN', () => {
  const lost = JSON.parse(JSON.stringify({ ...lines[0], loss: NaN })) as { loss: null }
  expect(lost.loss).toBeNull()
  const { steps, damage } = parseRun({ ...files, metrics: `${JSON.stringify(lost)}\n` })
  expect(damage).toEqual([])
  expect(steps).toEqual([{ ...lines[0], loss: NaN }])
})

test('reports damaged files and reads the rest', () => {
  const cut = parseRun({ ...files, metrics: `${metrics}{"kind":"step","ste` })
  expect(cut.damage).toEqual(['The last line of metrics.jsonl is truncated, so it is ignored.'])
  expect(cut.epochs).toHaveLength(1)
  expect(parseRun({ name: 'none', metrics: '' })).toMatchObject({
    state: 'unknown',
    damage: ["run.json is missing, so the run's configuration is unknown."],
  })
  const all = parseRun({
    name: 'damaged',
    run: '{"state":',
    metrics: `x\n${metrics}`,
    test: new Uint8Array([1, 2, 3]),
    batch: new Uint8Array(9),
  })
  const expected = [
    /^run\.json can't be read: /,
    /^Line 1 of metrics\.jsonl is damaged, so it is ignored\.$/,
    /^test\.safetensors can't be read: it is truncated/,
    /^batch\.safetensors can't be read: /,
  ]
  expect(all.damage).toHaveLength(expected.length)
  expected.forEach((what, i) => expect(all.damage[i]).toMatch(what))
  expect([all.test, all.batch, all.epochs.length]).toEqual([undefined, undefined, 1])
})

type Tensors = Parameters<typeof encodeTensors>[0]
test.each<[string, Tensors]>([
  [
    'expected labels in [0, 4), got 4',
    { labels: { shape: [60], values: labels.map((label) => label + 1) } },
  ],
  ['expected labels in [0, 4), got -1', { labels: { shape: [60], values: labels.map(() => -1) } }],
  [
    'it has 240 logits for 59 labels',
    { labels: { shape: [59], values: Int32Array.from(labels.subarray(1)) } },
  ],
  ['it has 240 logits for 60 labels', { logits: { shape: [240], values: logits } }],
  ['it has no logits', { logits: { shape: [60], values: labels } }],
  ['expected pictures of rank 4, got 1', { pictures: { shape: [1], values: new Uint8Array(1) } }],
  ['it has 12 pictures and 0 indices', { indices: { shape: [0], values: new Int32Array() } }],
])('rejects inconsistent predictions: %s', (message, change) => {
  const { tensors } = decodeTensors(predictions)
  const damaged = encodeTensors({ ...tensors, ...change })
  const { damage, test: read } = parseRun({ ...files, metrics, test: damaged })
  expect(damage).toEqual([`test.safetensors can't be read: ${message}`])
  expect(read).toBeUndefined()
})

test('rejects a batch whose captions and pictures do not match', () => {
  const { tensors, metadata } = decodeTensors(batch)
  const damageOf = (change: object, words: object = {}): readonly string[] => {
    const altered = encodeTensors({ ...tensors, ...change }, { ...metadata, ...words } as never)
    return parseRun({ ...files, metrics, batch: altered }).damage
  }
  const mine = (why: string): string[] => [`batch.safetensors can't be read: ${why}`]
  const one = { shape: [1, height, width, channels], values: images.slice(0, size) }
  expect(damageOf({ seen: one })).toEqual(mine('its tensors have different numbers of pictures'))
  expect(damageOf({}, { images: '[{"label":3}]' })).toEqual(
    mine('its metadata is not that of a batch'),
  )
  expect(damageOf({}, { step: 'x' })).toEqual(mine('its metadata is not that of a batch'))
})
