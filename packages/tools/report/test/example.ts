// Small synthetic runs for pages: no training, identical each time.
import { createRandom } from '@tricks/core'
import {
  encodeBatch,
  encodePredictions,
  parseRun,
  type RunFiles,
  type RunRecord,
} from '@tricks/run/record'

export const classes: readonly string[] = ['airplane', 'bird', 'cat', '<b>dog</b>']
const [height, width, channels] = [6, 8, 3]
const [epochs, stepsPerEpoch] = [3, 40]

interface Kind {
  readonly classes?: number
  readonly images?: number
  /** Height, width, channels. */
  readonly size?: readonly [number, number, number]
  /** Makes all but one of this many images belong to the first class. */
  readonly uneven?: number
}

/** Predictions for random images; the higher the skill, the more are correct. */
export function predictions(
  seed: number,
  skill: number,
  {
    classes: among = classes.length,
    images: count = 200,
    size = [height, width, channels],
    uneven,
  }: Kind = {},
): Uint8Array {
  const random = createRandom(seed)
  const labels = Uint8Array.from({ length: count }, (_, i) =>
    uneven !== undefined && i % uneven > 0 ? 0 : random.integer(0, among),
  )
  const logits = Float32Array.from({ length: count * among }, (_, i) => {
    const own = labels[Math.floor(i / among)] === i % among
    return random.normal() + (own ? skill : 0)
  })
  const [rows, columns, depth] = size
  const images = Uint8Array.from(
    { length: count * rows * columns * depth },
    (_, i) => (i * 7) % 256,
  )
  const shape = { height: rows, width: columns, channels: depth }
  return encodePredictions(logits, { images, labels, ...shape })
}

function batch(): Uint8Array {
  const random = createRandom(7)
  const tiles = (captions: readonly string[]) =>
    Array.from({ length: 5 }, () => {
      const size = height * width * channels
      const pixels = Uint8Array.from({ length: size }, () => random.integer(0, 256))
      return { pictures: [{ pixels, height, width, channels }], captions }
    })
  const rows = [
    { label: 'original', tiles: tiles(['bird']) },
    { label: 'result', tiles: tiles(['flip', '0.70 bird', '0.30 cat']) },
  ]
  return encodeBatch({ rows }, 0)
}

function metrics(until: number): string {
  const lines: object[] = []
  for (let steps = 20; steps <= until; steps += 20) {
    const progress = steps / (epochs * stepsPerEpoch)
    const training = { loss: 2 - progress, accuracy: 0.2 + 0.5 * progress }
    const rate = 0.1 * (1 - progress)
    const imagesPerSecond = 900 + steps
    lines.push({ kind: 'step', steps, rate, ...training, wallClock: { imagesPerSecond } })
    if (steps % stepsPerEpoch === 0)
      lines.push({
        kind: 'epoch',
        steps,
        epoch: steps / stepsPerEpoch - 1,
        rate,
        training,
        validation: { loss: 1.9 - progress, accuracy: 0.25 + 0.5 * progress },
        wallClock: { seconds: 4.5, memory: 4e8 + steps },
      })
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** The files of a successful run; `change` is merged into its run.json. */
export function files(
  name: string,
  change: object = {},
  { seed = 1, skill = 2 }: { readonly seed?: number; readonly skill?: number } = {},
): RunFiles & { readonly run: string; readonly metrics: string } {
  const run = {
    command: `tricks train ./pictures --recipe quick --seed ${seed}`,
    settings: { recipe: 'quick', data: './pictures', seed, backend: 'native' },
    seed,
    data: { from: './pictures', height, width, channels, trainingImages: 2660, testImages: 200 },
    optimizer: { name: 'Momentum', learningRate: 0.1, momentum: 0.9, useNesterov: true },
    model: 'plain',
    parameters: 99_450,
    stepsPerEpoch,
    steps: epochs * stepsPerEpoch,
    batchSize: 64,
    validation: 100,
    pipeline: [
      {
        stage: 'images',
        tricks: [
          {
            name: 'random-crop',
            key: 'random-crop',
            options: { padding: 4, mode: 'constant' },
          },
        ],
      },
      { stage: 'mix', tricks: [{ name: 'mixup', key: 'mixup', options: { alpha: 0.2 } }] },
      {
        stage: 'learningRate',
        tricks: [
          {
            name: 'warmup',
            key: 'warmup',
            options: { multiplier: 8 },
            tricks: [{ name: 'cosine-decay', key: 'cosine-decay', options: {} }],
          },
        ],
      },
    ],
    classes,
    backend: 'native',
    hardware: 'a processor, 2 cores',
    state: 'finished',
    test: { loss: 0.7, accuracy: 0.805 },
    wallClock: { began: '2026-01-01T00:00:00.000Z', seconds: 20, peakMemory: 512e6 },
    ...change,
  }
  return {
    name,
    run: JSON.stringify(run),
    metrics: metrics(epochs * stepsPerEpoch),
    test: predictions(seed, skill),
    batch: batch(),
  }
}

const started = { test: undefined }
const namesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `a_class_of_number_${i}`)

/** A run in each possible state. */
export const records = {
  finished: parseRun(files('finished')),
  better: parseRun(files('better', { test: { loss: 0.5, accuracy: 0.88 } }, { seed: 2, skill: 3 })),
  failed: parseRun({
    ...files('failed', { ...started, state: 'failed', error: 'the loss is NaN at step 90 <img>' }),
    metrics: `${metrics(80)}{"kind":"step","ste`,
    test: undefined,
  }),
  running: parseRun({
    ...files('running', { ...started, state: 'running' }),
    alive: true,
    metrics: metrics(60),
    test: undefined,
  }),
  started: parseRun({
    ...files('started', { ...started, state: 'running' }),
    metrics: '',
    test: undefined,
    batch: undefined,
  }),
  killed: parseRun({
    ...files('killed', { ...started, state: 'running' }),
    alive: false,
    metrics: metrics(60),
    test: undefined,
  }),
  resumed: parseRun(files('resumed', { wallClock: { resumed: [{ steps: 40 }, { steps: 77 }] } })),
  unvalidated: parseRun({
    ...files('unvalidated', { validation: 0 }),
    metrics: metrics(120).replaceAll(/"validation":\{[^}]*\},/g, ''),
  }),
  manyClasses: parseRun({
    ...files('many', { classes: namesOf(50) }),
    test: predictions(3, 3, { classes: 50 }),
  }),
  hundred: parseRun({
    ...files('hundred', { classes: namesOf(100) }),
    test: predictions(3, 3, { classes: 100, images: 1000 }),
  }),
  twoClasses: parseRun({
    ...files('two', { classes: ['cat', 'dog'] }),
    test: predictions(3, 1, { classes: 2 }),
  }),
  fifteenClasses: parseRun({
    ...files('fifteen', { classes: namesOf(15) }),
    test: predictions(3, 3, { classes: 15 }),
  }),
  uneven: parseRun({ ...files('uneven'), test: predictions(4, 2, { uneven: 5, images: 400 }) }),
  photographs: parseRun({
    ...files('photographs'),
    test: predictions(5, 0, { size: [300, 400, 3], images: 20 }),
  }),
  satellite: parseRun({
    ...files('satellite'),
    test: predictions(5, 0, { size: [9, 9, 7], images: 20 }),
  }),
  untested: parseRun({
    ...files('untested', {
      ...started,
      data: { trainingImages: 120, testImages: 0 },
      validation: 20,
    }),
    test: undefined,
    validation: predictions(6, 2, { images: 20 }),
  }),
  nothing: parseRun({ name: 'nothing', metrics: '' }),
  damaged: parseRun({
    ...files('damaged'),
    run: '{"state":',
    metrics: 'x\n{}',
    test: new Uint8Array([1, 2, 3]),
    batch: new Uint8Array(9),
  }),
} as const satisfies Record<string, RunRecord>
