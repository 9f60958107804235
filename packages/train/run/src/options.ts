import type { ImageSet, NonFinite, Precision } from '@tricks/train'
import type { ProgressView } from './progress/view.ts'
import type { Recipe, RecipeContext } from './recipe.ts'
import type { Settings } from './record/schema.ts'

/** Labelled images, with a name for the record. */
export interface Dataset {
  /** Describes in the record where the images come from. */
  readonly name: string
  readonly train: ImageSet
  /** By default a part of the training images, as set by the recipe. */
  readonly validation?: ImageSet
  /** Read once, at the end of the run. */
  readonly test?: ImageSet
}

export interface RunOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  /** The run's folder: a new one, or with `resume` the folder of the run to resume. */
  readonly folder: string
  /** Whole number in [0, 2^32), default 0. */
  readonly seed?: number
  /** Overrides the recipe's. */
  readonly epochs?: number
  readonly precision?: Precision
  /** Train on the first images only. */
  readonly limit?: number
  /** Images per forward pass, if a batch doesn't fit into memory. */
  readonly microBatch?: number
  /** What to do if a loss or gradient is NaN or infinite; default 'stop'. */
  readonly nonFinite?: NonFinite
  /**
   * Weights all classes equally, regardless of their numbers of images: in the order of training, and when fitting the
   * last layer.
   */
  readonly balance?: boolean
  /** For a recipe with distillation. */
  readonly teacher?: RecipeContext['teacher']
  /** Resumes the run in the folder, bit for bit; any difference is an error. */
  readonly resume?: boolean
  /** Allows a resumed run to have another number of epochs; schedules follow the new length from there on. */
  readonly newLength?: boolean
  /** Steps between checkpoints; by default an epoch, or a minute if that is shorter. */
  readonly saveEvery?: number
  /** Also writes event files for TensorBoard. A resumed run that has written them continues to. */
  readonly tensorboard?: boolean
  /** By default bars in a terminal, lines elsewhere. */
  readonly view?: ProgressView
  readonly signal?: AbortSignal
  /** Recorded in addition: the settings to set up the run again, and the command that does. */
  readonly settings?: Settings
  readonly command?: string
}
