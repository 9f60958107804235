import { imagesOf } from '@tricks/ablation'
import { type BackendName, useBackend } from '@tricks/backend'
import type { ImageSet } from '@tricks/train'
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
