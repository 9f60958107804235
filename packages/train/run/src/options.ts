import type { ImageSet, NonFinite, Precision } from '@tricks/train'
import type { ProgressView } from './progress/view.ts'
import type { Recipe, RecipeContext } from './recipe.ts'
import type { Settings } from './record/schema.ts'

/** Labelled images, and what they are called in the record. */
export interface Dataset {
  /** What the record says of where they come from. */
  readonly name: string
  readonly train: ImageSet
  /** By default a part of the training images, as the recipe says. */
  readonly validation?: ImageSet
  /** Read once, at the end. */
  readonly test?: ImageSet
}

export interface RunOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  /** The run's own folder: new, or with `resume` that of the run. */
  readonly folder: string
  /** Whole number in [0, 2^32), default 0. */
  readonly seed?: number
  /** In place of the recipe's. */
  readonly epochs?: number
  readonly precision?: Precision
  /** Train on so many of the images only. */
  readonly limit?: number
  /** Images that pass through the network at once, if a batch doesn't fit into memory. */
  readonly microBatch?: number
  /** What happens if a loss or a gradient is NaN or infinite; default 'stop'. */
  readonly nonFinite?: NonFinite
  /** For a recipe that distils. */
  readonly teacher?: RecipeContext['teacher']
  /** Continues the run in the folder, bit for bit; anything that differs is an error. */
  readonly resume?: boolean
  /** A resumed run may have other epochs than it began with: schedules follow the new length from there on. */
  readonly newLength?: boolean
  /** Steps between two checkpoints; by default an epoch, or a minute if that is less. */
  readonly saveEvery?: number
  /** Also writes what TensorBoard reads. A resumed run that has written it continues to. */
  readonly tensorboard?: boolean
  /** By default bars in a terminal, otherwise lines. */
  readonly view?: ProgressView
  readonly signal?: AbortSignal
  /** What is recorded besides: what sets the run up again, and the command that does. */
  readonly settings?: Settings
  readonly command?: string
}
