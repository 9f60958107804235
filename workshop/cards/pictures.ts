// The pictures on the cards and in the README of the repository, all made by `npm run pictures`.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { autoAugment } from '@tricks/autoaugment'
import { useBackend } from '@tricks/backend'
import { cifar10Mean, loadCifar10 } from '@tricks/cifar10'
import { colorJitter } from '@tricks/color-jitter'
import type { Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { linearScaling } from '@tricks/linear-scaling'
import { mixup } from '@tricks/mixup'
import { pcaLighting } from '@tricks/pca-lighting'
import { randomCrop } from '@tricks/random-crop'
import { randomErasing } from '@tricks/random-erasing'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { randomRotation } from '@tricks/random-rotation'
import { reduceOnPlateau } from '@tricks/reduce-on-plateau'
import {
  beside,
  plotSvg,
  rateCurve,
  type RateCurveOptions,
  sheetPng,
  sheetSvg,
  svgPng,
} from '@tricks/report'
import { ricap } from '@tricks/ricap'
import { imageSheet, type Sheet } from '@tricks/run'
import { stepDecay } from '@tricks/step-decay'
import type { ImageSet } from '@tricks/train'
import { constantWarmup, warmup } from '@tricks/warmup'

interface Preview {
  readonly folder: string
  readonly trick: () => Trick
  /** One whose draws show what the trick does. */
  readonly seed: number
}

/** The tricks that change images, as their cards show them. */
export const previews: Readonly<Record<string, Preview>> = {
  'random-crop': { folder: 'augment', trick: randomCrop, seed: 1 },
  'random-resized-crop': { folder: 'augment', trick: randomResizedCrop, seed: 1 },
  'random-flip': { folder: 'augment', trick: randomFlip, seed: 7 },
  'random-rotation': { folder: 'augment', trick: randomRotation, seed: 11 },
  'color-jitter': { folder: 'augment', trick: colorJitter, seed: 1 },
  'pca-lighting': { folder: 'augment', trick: pcaLighting, seed: 2 },
  autoaugment: { folder: 'augment', trick: autoAugment, seed: 2 },
  cutout: { folder: 'augment', trick: cutout, seed: 1 },
  'random-erasing': { folder: 'augment', trick: randomErasing, seed: 3 },
  mixup: { folder: 'mix', trick: () => mixup({ alpha: 1 }), seed: 12 },
  ricap: { folder: 'mix', trick: ricap, seed: 10 },
}

/** A cat, a ship, a car, a deer, a horse, a fire engine and an aeroplane of the training images. */
export const shownImages: readonly number[] = [17, 42, 133, 26, 5, 117, 14]

/** What one trick, by its name in `previews`, makes of images. */
export function previewOf(
  name: string,
  set: ImageSet,
  {
    seed = previews[name]!.seed,
    images = shownImages,
    show,
  }: {
    readonly seed?: number
    readonly images?: readonly number[]
    readonly show?: readonly number[]
  } = {},
): Promise<Sheet> {
  return imageSheet(set, images, {
    tricks: [previews[name]!.trick()],
    seed,
    mean: cifar10Mean,
    show: show ?? images.map((_, i) => i),
  })
}

/** All of `previews` in one picture, in two halves: the originals, and under them what each trick makes of them. */
async function overview(set: ImageSet): Promise<string> {
  const made: Sheet['rows'][number][] = []
  let original: Sheet['rows'][number] | undefined
  for (const name of Object.keys(previews)) {
    const { rows } = await previewOf(name, set, { show: [0, 1, 3, 4] })
    original ??= rows[0]!
    made.push(rows.at(-1)!)
  }
  const half = Math.ceil(made.length / 2)
  return beside(
    [made.slice(0, half), made.slice(half)].map((rows) =>
      sheetSvg({ rows: [original!, ...rows] }, { tile: 64 }),
    ),
  )
}

/** Two images, and what the tricks that change them most make of them: the picture at the top of the README. */
async function hero(set: ImageSet): Promise<string> {
  const shown = [
    'random-rotation',
    'color-jitter',
    'autoaugment',
    'cutout',
    'random-erasing',
    'mixup',
    'ricap',
  ]
  const columns: Sheet['rows'][number][] = []
  for (const name of shown) {
    const { rows } = await previewOf(name, set, { show: [0, 1] })
    if (columns.length === 0) columns.push(rows[0]!)
    columns.push(rows.at(-1)!)
  }
  const rows = [0, 1].map((image) => ({
    label: columns[0]!.tiles[image]!.captions.join(' '),
    tiles: columns.map(({ label, tiles }) => ({
      pictures: tiles[image]!.pictures,
      captions: image === 1 ? [label] : [],
    })),
  }))
  return sheetSvg({ rows })
}

const run = { epochs: 30, stepsPerEpoch: 391 }
const curve = (name: string, of: readonly Trick[], options: Partial<RateCurveOptions> = {}) =>
  rateCurve({ name, of, ...run, ...options })

/** A validation loss that stands still now and then, for the picture of a schedule that waits for it. */
const losses = Array.from(
  { length: run.epochs },
  (_, epoch) =>
    0.55 +
    1.2 * Math.exp(-Math.min(epoch, 6) / 3) -
    (epoch > 12 ? 0.12 * (1 - Math.exp(-(Math.min(epoch, 18) - 12) / 2)) : 0),
)

/** Learning rates over a run, by the card that shows them. */
const plots: Readonly<Record<string, () => string>> = {
  warmup: () =>
    plotSvg([
      curve(
        'warmup, then cosineDecay',
        [warmup({ multiplier: 8, over: { epochs: 5 }, after: cosineDecay() })],
        { rate: 0.0125 },
      ),
      curve('constantWarmup, stepDecay', [
        constantWarmup({ over: { epochs: 2 } }),
        stepDecay({ milestones: [{ fraction: 0.5 }, { fraction: 0.75 }] }),
      ]),
    ]),
  'cosine-decay': () =>
    plotSvg([
      curve('cosineDecay()', [cosineDecay()]),
      curve('{ min: 0.01 }', [cosineDecay({ min: 0.01 })]),
      curve('{ over: { epochs: 20 } }', [cosineDecay({ over: { epochs: 20 } })]),
    ]),
  'step-decay': () =>
    plotSvg([
      curve('{ milestones: half, three quarters }', [
        stepDecay({ milestones: [{ fraction: 0.5 }, { fraction: 0.75 }] }),
      ]),
      curve('{ every: 6 epochs, gamma: 0.5 }', [stepDecay({ every: { epochs: 6 }, gamma: 0.5 })]),
    ]),
  'linear-scaling': () =>
    plotSvg(
      [512, 256, 128].map((batchSize) =>
        curve(`batches of ${batchSize}`, [linearScaling(), cosineDecay()], { batchSize }),
      ),
    ),
  'reduce-on-plateau': () =>
    plotSvg(
      [
        curve(
          'reduceOnPlateau({ factor: 0.3, patience: 3 })',
          [reduceOnPlateau({ factor: 0.3, patience: 3 })],
          {
            metrics: (epoch) => {
              const metrics = { loss: losses[epoch]!, accuracy: 0 }
              return { training: metrics, validation: metrics }
            },
          },
        ),
      ],
      {
        behind: {
          name: 'validation loss (made up)',
          points: losses.map((loss, epoch) => [(epoch + 1) * run.stepsPerEpoch, loss] as const),
        },
      },
    ),
}

/**
 * The pictures of the repository by their paths in it. On the cpu backend they are the same on every machine but for a
 * rounding here and there.
 */
export async function* pictures(
  set: ImageSet,
): AsyncGenerator<{ path: string; content: Uint8Array | string }> {
  for (const [name, { folder }] of Object.entries(previews))
    yield {
      path: `packages/${folder}/${name}/preview.png`,
      content: await sheetPng(await previewOf(name, set)),
    }
  yield { path: 'docs/images/tricks.png', content: await svgPng(await overview(set)) }
  yield { path: 'docs/images/hero.png', content: await svgPng(await hero(set)) }
  for (const [name, plot] of Object.entries(plots))
    yield { path: `packages/schedule/${name}/preview.svg`, content: plot() }
}

/** Writes them all where they belong. */
async function writePictures(): Promise<void> {
  await useBackend('cpu')
  const { train } = await loadCifar10()
  for await (const { path, content } of pictures(train)) {
    const file = join(repository, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    console.log(`${path}  ${Math.ceil(content.length / 1000)} kB`)
  }
}

export const repository: string = join(import.meta.dirname, '../..')

if (import.meta.main) await writePictures()
