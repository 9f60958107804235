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

/** The share of the training images that a fold doesn't train on. */
export const heldShare = 0.4

/** One of several random divisions of the training images. */
export interface Fold {
  readonly index: number
  /** The number of images to score candidates on; rounded up by class. */
  readonly held: number
}

/** The images of a fold, stratified by class: those to train on, three fifths, and those to score candidates on. */
export function foldOf(
  set: ImageSet,
  fold: Fold,
  seed: number,
): { readonly train: ImageSet; readonly held: ImageSet } {
  const random = createRandom(seed).fork('folds').at(fold.index)
  const order = [...random.permutation(set.labels.length)]
  const byClass = set.classes.map((_, label) => order.filter((i) => set.labels[i] === label))
  const countOf = (images: readonly number[]): number => Math.round(heldShare * images.length)
  const share = Math.min(1, fold.held / (heldShare * set.labels.length))
  const out = byClass.map((images) => images.slice(0, Math.ceil(share * countOf(images))))
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
