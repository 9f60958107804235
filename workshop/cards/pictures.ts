// The pictures on the cards and in the README of the repository, all made by `npm run pictures`.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { useBackend } from '@tricks/backend'
import { cifar10Mean, loadCifar10 } from '@tricks/cifar10'
import type { Trick } from '@tricks/core'
import {
  beside,
  plotSvg,
  rateCurve,
  type RateCurveOptions,
  sheetPng,
  sheetSvg,
  svgPng,
} from '@tricks/report'
import { imageSheet, type Sheet } from '@tricks/run'
import type { ImageSet } from '@tricks/train'
import { factories, type Factory, repository } from '../factories.ts'

/** The first factory of each package in the stages, by the package's name. */
const firstOf = (...stages: string[]): ReadonlyMap<string, Factory> => {
  const found = factories.filter(({ folder }) => stages.includes(folder.split('/')[1]!))
  return new Map(found.map(({ trick }) => [trick, found.find((each) => each.trick === trick)!]))
}

/** The tricks that change images, as their cards show them: by their `test/preview.ts`, or with defaults. */
const previews = firstOf('augment', 'mix')

/** A cat, a ship, a car, a deer, a horse, a fire engine and an aeroplane of the training images. */
const shownImages: readonly number[] = [17, 42, 133, 26, 5, 117, 14]

/** The effect of one trick, by its name in `previews`, on images. */
function previewOf(
  name: string,
  set: ImageSet,
  show = shownImages.map((_, i) => i),
): Promise<Sheet> {
  const { make, preview } = previews.get(name)!
  const { seed = 1, options = {} } = preview as { seed?: number; options?: object }
  return imageSheet(set, shownImages, {
    tricks: [make({ ...options }) as Trick],
    seed,
    mean: cifar10Mean,
    show,
  })
}

/**
 * All released `previews` in one picture, in two halves: the originals, and below them the results of each trick. A
 * release adds its tricks, as it does to the README's list, so that a new trick changes its own folder only.
 */
async function overview(set: ImageSet): Promise<string> {
  const made: Sheet['rows'][number][] = []
  let original: Sheet['rows'][number] | undefined
  for (const [name, { released }] of previews) {
    if (!released) continue
    const { rows } = await previewOf(name, set, [0, 1, 3, 4])
    original ??= rows[0]!
    made.push(rows.at(-1)!)
  }
  const half = Math.ceil(made.length / 2)
  return beside(
    [made.slice(0, half), made.slice(half)].map((rows) =>
      sheetSvg({ rows: [original!, ...rows] }, { tile: 56 }),
    ),
  )
}

/** Two images and the effects of the tricks that change them most: the picture at the top of the README. */
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
    const { rows } = await previewOf(name, set, [0, 1])
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

/** Learning rates over a run of 30 epochs, as a schedule's `test/preview.ts` asks for them, or with defaults. */
function plotOf({ name, make, preview }: Factory): string {
  const curves = (preview['curves'] ?? [{ name: `${name}()`, of: [make()] }]) as RateCurveOptions[]
  const behind = preview['behind'] as NonNullable<Parameters<typeof plotSvg>[1]>['behind']
  return plotSvg(
    curves.map((curve) => rateCurve(curve)),
    { ...(behind && { behind }) },
  )
}

/**
 * The repository's pictures, by path. On the cpu backend they are identical on every machine except for occasional
 * rounding.
 */
export async function* pictures(
  set: ImageSet,
): AsyncGenerator<{ path: string; content: Uint8Array | string }> {
  for (const [name, { folder }] of previews)
    yield { path: `${folder}/preview.png`, content: await sheetPng(await previewOf(name, set)) }
  yield { path: 'docs/images/tricks.png', content: await svgPng(await overview(set)) }
  yield { path: 'docs/images/hero.png', content: await svgPng(await hero(set)) }
  for (const factory of firstOf('schedule').values())
    yield { path: `${factory.folder}/preview.svg`, content: plotOf(factory) }
}

/** Writes all pictures to their paths. */
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

if (import.meta.main) await writePictures()
