import { imagesOf } from '@tricks/ablation'
import { type BackendName, useBackend } from '@tricks/backend'
import { createRandom } from '@tricks/core'
import { imagesAt, type ImageSet } from '@tricks/train'
import { loadData } from '../data.ts'
import type { TuneSetup } from './setup.ts'

/** The images of a search. */
export interface Images {
  readonly train: ImageSet
  readonly validation: ImageSet
  readonly test: ImageSet
}

let last: { readonly key: string; readonly images: Promise<Images> } | undefined

/** Loads the images, once per process, as most of its trials share them. */
export function openImages(setup: TuneSetup): Promise<Images> {
  const { data, size, skipBroken, images, backend } = setup
  const key = JSON.stringify({ data, size, skipBroken, images })
  if (last?.key !== key)
    last = {
      key,
      images: useBackend(backend as BackendName)
        .then(() => loadData(data, { size, skipBroken }))
        .then((sets) => splitOf(sets, images)),
    }
  return last.images
}

/**
 * Divides the images into training, validation and test, proportionally by class.
 *
 * @throws Error if there are too few
 */
export function splitOf(
  sets: { readonly train: ImageSet; readonly test?: ImageSet | undefined },
  { training, validation, test }: TuneSetup['images'],
): Images {
  const held = sets.test
    ? { train: sets.train, measured: sets.test }
    : imagesOf(sets.train, { train: training + validation, measured: test }, 'tune')
  const own = imagesOf(held.train, { train: training, measured: validation }, 'tune')
  return { train: own.train, validation: own.measured, test: held.measured }
}

/** The share of the training images that a fold holds out, and the largest number of them. */
const held = { share: 0.4, most: 2000 } as const

/** The number of images that a fold holds out. */
export const heldImages = (images: number): number =>
  Math.min(held.most, Math.floor(held.share * images))

/**
 * A random division of training images, stratified by class: those to train on, three fifths, and those to judge on.
 *
 * @param index of the fold
 */
export function foldOf(
  set: ImageSet,
  index: number,
  seed: number,
): { readonly train: ImageSet; readonly held: ImageSet } {
  const random = createRandom(seed).fork('folds').at(index)
  const order = [...random.permutation(set.labels.length)]
  const byClass = set.classes.map((_, label) => order.filter((i) => set.labels[i] === label))
  const countOf = (images: readonly number[]): number => Math.round(held.share * images.length)
  const most = heldImages(set.labels.length) / (held.share * set.labels.length)
  const out = byClass.map((images) => images.slice(0, Math.ceil(most * countOf(images))))
  const kept = byClass.map((images) => images.slice(countOf(images)))
  return {
    train: imagesAt(
      set,
      kept.flat().toSorted((a, b) => a - b),
    ),
    held: imagesAt(
      set,
      out.flat().toSorted((a, b) => a - b),
    ),
  }
}
