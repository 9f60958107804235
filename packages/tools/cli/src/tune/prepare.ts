import { resolve } from 'node:path'
import { useBackend } from '@tricks/backend'
import { progressView, type ProgressView, type Recipe } from '@tricks/run'
import { unsupportedReason } from '@tricks/train'
import { isPictureFolder, loadData, locateData } from '../data.ts'
import type { Flags } from '../flags.ts'
import { isFile } from '../recipes/file.ts'
import { defaultRecipe, recipeNamed } from '../recipes/index.ts'
import { checkServer } from '../trials/common.ts'
import { stopSignal, UsageError } from '../usage.ts'
import { type Base, baseOf } from './base.ts'
import type { SearchFlags } from './flags.ts'
import { splitOf } from './images.ts'
import type { TuneSetup } from './setup.ts'

/** One of this many images is for validation, and one for the test if the data has no test images. */
const share = 5

/** What a search starts from. */
export interface Prepared {
  /** The recipe's, as the user gave it. */
  readonly name: string
  readonly recipe: Recipe
  readonly setup: TuneSetup
  readonly base: Base
  readonly view: ProgressView
  readonly signal: AbortSignal
}

/**
 * Reads the data and the recipe, and splits the images.
 *
 * @throws UsageError for flags or a recipe that don't fit
 */
export async function prepare(
  command: string,
  data: string,
  flags: Flags<SearchFlags>,
): Promise<Prepared> {
  const { skipBroken = false } = flags
  checkServer(command, flags)
  const source = await locateData(data)
  const { name: backend } = await useBackend(flags.backend)
  const name = flags.recipe ?? defaultRecipe(isPictureFolder(source), backend).name
  const recipe = await recipeNamed(name)
  if (recipe.teacher || recipe.head)
    throw new UsageError(
      `--recipe: expected a recipe without a ${recipe.teacher ? 'teacher' : 'pretrained network'}, got ${name}`,
    )
  const signal = stopSignal()
  const view = progressView()
  const size = flags.size ?? recipe.size ?? 64
  const sets = await loadData(source, { size, skipBroken, signal, view })
  const setup = setupOf({ name, recipe, source, size, backend, skipBroken }, sets, flags)
  const { train } = splitOf(sets, setup.images)
  const { height, width, channels, classes, labels } = train
  const facts = { height, width, channels, classes: classes.length, images: labels.length }
  const base = baseOf(recipe, facts)
  return { name, recipe, setup, base, view, signal }
}

function setupOf(
  of: {
    readonly name: string
    readonly recipe: Recipe
    readonly source: string
    readonly size: number
    readonly backend: string
    readonly skipBroken: boolean
  },
  { train, test }: Awaited<ReturnType<typeof loadData>>,
  flags: Flags<SearchFlags>,
): TuneSetup {
  const { name, recipe, source, size, backend, skipBroken } = of
  const { epochs = recipe.epochs, precision = recipe.precision ?? 'float32' } = flags
  if (epochs < 1) throw new UsageError('--epochs: expected a positive integer, got 0')
  const count = train.labels.length
  const held = test ? 0 : Math.max(1, Math.floor(count / share))
  const validation = flags.measured ?? Math.max(1, Math.floor((count - held) / share))
  const most = count - held - validation
  const training = flags.images ?? most
  if (training > most || most < 1)
    throw new UsageError(
      `--images: expected at most ${Math.max(0, most)}, as ${validation} of ${count} training images are for validation` +
        `${held > 0 ? ` and ${held} for a test` : ''}, got ${training}`,
    )
  return {
    recipe: isFile(name) ? resolve(name) : name,
    data: source,
    size,
    skipBroken,
    backend,
    precision: unsupportedReason(precision) === undefined ? precision : 'float32',
    epochs,
    images: { training, validation, test: held },
  }
}
