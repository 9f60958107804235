// What a run is made of. Change it here, or add a recipe of your own; `--recipe NAME` takes it.
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import type { Trick } from '@tricks/core'
import type { BackendName } from '@tricks/backend'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import type { Teacher } from '@tricks/distillation'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import { type AirbenchOptions, type ModelName, type PlainOptions, whiten } from '@tricks/models'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { lackOf, type Precision } from '@tricks/train'
import { warmup } from '@tricks/warmup'
import { l2 } from '@tricks/weight-penalty'
import { type ArticleTrick, articleTricks, assemble } from './article.ts'

export interface Recipe {
  readonly what: string
  readonly model: ModelName
  /** The model's own options, but for its seed and classes. */
  readonly modelOptions?: PlainOptions | AirbenchOptions
  /** Done to the fresh model, with some thousand training images as it will get them. */
  readonly prepare?: (model: LayersModel, images: tf.Tensor4D) => Promise<void>
  /** Default float32; where bfloat16 is not to be had, float32 is used. */
  readonly precision?: Precision
  readonly epochs: number
  readonly batchSize: number
  /** Of the training images, kept for validation. */
  readonly validation: number
  readonly optimizer: () => tf.Optimizer
  /** Whether `tricks` wants a teacher: another model, trained before. */
  readonly needsTeacher?: boolean
  readonly tricks: (teacher?: Teacher) => Trick[]
}

export const recipes = {
  quick: {
    what: 'a few minutes on any machine: little training, so little regularisation',
    model: 'plain',
    modelOptions: { widths: [[16], [32], [64], [128]] },
    epochs: 4,
    batchSize: 64,
    validation: 1000,
    // The warm-up multiplies the optimizer's rate by 8 before the cosine brings it down.
    optimizer: () => tf.train.momentum(0.04, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 1 }),
      randomFlip(),
      labelSmoothing({ epsilon: 0.1 }),
      warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
    ],
  },
  'quick-native': {
    what: 'on @tricks/native a larger net learns more in the same time',
    model: 'plain',
    modelOptions: {
      widths: [
        [32, 32],
        [64, 64],
        [128, 128],
      ],
    },
    precision: 'bfloat16',
    epochs: 4,
    batchSize: 128,
    validation: 1000,
    optimizer: () => tf.train.momentum(0.04, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 2 }),
      randomFlip(),
      labelSmoothing({ epsilon: 0.1 }),
      warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
    ],
  },
  six: {
    what: 'the six first tricks together, for longer runs',
    model: 'plain',
    epochs: 30,
    batchSize: 128,
    validation: 5000,
    optimizer: () => tf.train.momentum(0.0125, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 4 }),
      randomFlip(),
      cutout({ length: 8 }),
      mixup({ alpha: 0.2 }),
      labelSmoothing({ epsilon: 0.1 }),
      warmup({ multiplier: 8, over: { epochs: 2 }, after: cosineDecay() }),
    ],
  },
  airbench: {
    what: "cifar10-airbench's net, in bfloat16 where the processor has it: 90 % and above",
    model: 'airbench',
    prepare: whiten,
    precision: 'bfloat16',
    epochs: 24,
    batchSize: 250,
    validation: 0,
    optimizer: () => tf.train.momentum(0.03125, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 2, mode: 'reflect' }),
      randomFlip(),
      labelSmoothing({ epsilon: 0.1 }),
      l2({ strength: 5e-4 }),
      warmup({ multiplier: 8, over: { fraction: 0.2 }, after: cosineDecay() }),
    ],
  },
  'resnet-18': {
    what: 'ResNet-18, for a GPU; not yet run to its end',
    model: 'resnet-18',
    precision: 'bfloat16',
    epochs: 30,
    batchSize: 128,
    validation: 0,
    optimizer: () => tf.train.momentum(0.0125, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 4 }),
      randomFlip(),
      cutout({ length: 16 }),
      labelSmoothing({ epsilon: 0.1 }),
      l2({ strength: 5e-4 }),
      warmup({ multiplier: 8, over: { epochs: 5 }, after: cosineDecay() }),
    ],
  },
  teacher: {
    what: 'a wider net to distil from; recipes that want a teacher train it once and keep it',
    model: 'plain',
    modelOptions: { widths: [[32], [64], [128], [128]] },
    epochs: 6,
    batchSize: 64,
    validation: 1000,
    optimizer: () => tf.train.momentum(0.025, 0.9, true),
    tricks: () => [
      randomCrop({ padding: 2 }),
      randomFlip(),
      warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() }),
    ],
  },
  'bag-of-tricks': ofArticle('all of the article together, for long runs', articleTricks),
} as const satisfies Record<string, Recipe>

/** What `--recipe` takes. */
export const recipeNames: readonly string[] = [
  ...Object.keys(recipes),
  ...articleTricks.flatMap((name) => [`only:${name}`, `all-but:${name}`]),
]

/** The recipe that takes a few minutes on the backend that is used: the larger net where a GPU or bfloat16 makes up for it. */
export const quickRecipe = (backend: BackendName): keyof typeof recipes =>
  backend === 'tfjs-node-gpu' || lackOf('bfloat16') === undefined ? 'quick-native' : 'quick'

/** @throws Error for a name that is none */
export function recipeOf(name: string): Recipe {
  if (Object.hasOwn(recipes, name)) return recipes[name as keyof typeof recipes]
  const [kind, trick] = name.split(':') as [string, ArticleTrick]
  if (!recipeNames.includes(name)) throw new Error(`no recipe is called '${name}'`)
  return kind === 'only'
    ? ofArticle(`${trick} alone`, [trick])
    : ofArticle(
        `all of the article but ${trick}`,
        articleTricks.filter((each) => each !== trick),
      )
}

function ofArticle(what: string, names: readonly ArticleTrick[]): Recipe {
  return { what, model: 'plain', epochs: 60, batchSize: 128, validation: 5000, ...assemble(names) }
}
