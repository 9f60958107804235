// Applies the tricks of the playground to a batch, with the packages themselves.
import * as tf from '@tensorflow/tfjs-core'
import { compose, type Trick } from '@tricks/core'
import { batchSheet, type Picture } from '@tricks/run/record'
import { allImages, batchOf, drawsFor, type IndexedBatch } from '@tricks/train'
import { startWasm } from '../backend.ts'
import type { Pictures } from './pictures.ts'
import type { State } from './state.ts'

/** A row of pictures: the originals, or the result of one trick. */
export interface Row {
  readonly label: string
  readonly tiles: readonly { readonly picture: Picture; readonly captions: readonly string[] }[]
}

/** The targets of one picture that are not 0, largest first. */
export type Targets = readonly { readonly name: string; readonly share: number }[]

export interface Shown {
  readonly rows: readonly Row[]
  /** Per picture; empty if nothing changes the targets. */
  readonly targets: readonly Targets[]
}

/** The length of the run: CIFAR-10 in batches of 128. */
export const epochs = 30
export const stepsPerEpoch = 391
const steps = epochs * stepsPerEpoch

/** The pictures after each trick, or after all of them. */
export async function show(
  tricks: readonly Trick[],
  { seed, step }: Pick<State, 'seed' | 'step'>,
  pictures: Pictures,
  last = false,
): Promise<Shown> {
  await startWasm()
  const batch = batchOf(allImages(pictures), 0, pictures.labels.length)
  try {
    const { classes, mean } = pictures
    const acting = tricks.filter(({ images, mix }) => images || mix)
    const time = { step, stepsPerEpoch, steps }
    const rows = last && acting.length > 0 ? 'result' : 'tricks'
    const sheet = await batchSheet(batch, time, { tricks: acting, seed, mean, classes, rows })
    const shown = sheet.rows
      // The originals next to their partners say nothing that the row above doesn't.
      .filter(({ label }) => label !== 'with')
      .map(({ label, tiles }) => ({
        label,
        tiles: tiles.map(({ pictures: [picture], captions }) => ({ picture: picture!, captions })),
      }))
    return { rows: shown, targets: await targetsOf(tricks, batch, { seed, step }, pictures) }
  } finally {
    tf.dispose([batch.images, batch.targets])
  }
}

async function targetsOf(
  tricks: readonly Trick[],
  batch: IndexedBatch,
  { seed, step }: Pick<State, 'seed' | 'step'>,
  { classes, labels, mean, height, width, channels }: Pictures,
): Promise<Targets[]> {
  if (!tricks.some(({ mix, targets }) => mix || targets)) return []
  const acting = tricks.filter(({ images, mix, targets }) => images || mix || targets)
  const pipeline = compose(acting, { seed, mean, stepsPerEpoch, steps })
  const size = labels.length
  const shape = { height, width, channels, classes: classes.length }
  pipeline.start({
    variables: {},
    data: { size, ...shape, mean, deviation: [1, 1, 1] },
    batchSize: size,
    time: { step, stepsPerEpoch, steps },
  })
  const draws = drawsFor(pipeline, batch, step)
  const { images, targets, mixedTargets } = pipeline.batch(batch.images, batch.targets, step, draws)
  const values = await targets.data()
  tf.dispose([images, targets, mixedTargets])
  return Array.from({ length: size }, (_, i) =>
    classes
      .map((name, c) => ({ name, share: values[i * classes.length + c]! }))
      .filter(({ share }) => share > 0)
      .toSorted((a, b) => b.share - a.share),
  )
}
