import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import type { Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { freeze } from '@tricks/fine-tuning'
import { labelSmoothing } from '@tricks/label-smoothing'
import { createModel, foldBatchNorm, pretrainedInputs } from '@tricks/models'
import { loadPretrained } from '@tricks/pretrained'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { defineRecipe, type Recipe, type RecipeContext } from '@tricks/run'
import { warmup } from '@tricks/warmup'
import { meant, UsageError } from '../usage.ts'

/** A network with pretrained ImageNet weights. */
export type PretrainedModel = keyof typeof pretrainedInputs
export const pretrainedModels = Object.keys(pretrainedInputs) as PretrainedModel[]
/** The default network, whose weights are fetched. */
export const usualModel: PretrainedModel = 'efficientnet-lite0'

/** The initial weights, and how to train. */
export interface PretrainedOptions {
  /** A name or a file of weights. */
  readonly from?: string | undefined
  /** The network that the weights are for; by default, the one with the same name. */
  readonly model?: string | undefined
  /** Augmented views of each picture to compute features of; default 4. */
  readonly views?: number | undefined
}

const isPretrained = (name: string): name is PretrainedModel =>
  (pretrainedModels as readonly string[]).includes(name)

/**
 * The network that weights are for.
 *
 * @throws UsageError if it has no pretrained weights
 */
export function networkOf({ from = usualModel, model }: PretrainedOptions): PretrainedModel {
  const name = model ?? (isPretrained(from) ? from : usualModel)
  if (isPretrained(name)) return name
  throw new UsageError(
    `--model: expected one of ${pretrainedModels.join(', ')} with weights, got ${name}${meant(name, pretrainedModels)}`,
  )
}

/** Windows are large enough to show the object. */
const area = [0.35, 1] as const
const crop = ({ data: { height, width } }: RecipeContext): Trick =>
  randomResizedCrop({ area, size: [height, width] })
/** Pictures are kept this many times larger, so that most windows are scaled down, as whole pictures are. */
const larger = 1.3

/** The original, mirrored, and then randomly cropped and mirrored. */
const viewsOf = (count: number, context: RecipeContext): (readonly Trick[])[] =>
  Array.from({ length: count }, (_, i) =>
    i === 0 ? [] : i === 1 ? [randomFlip({ probability: 1 })] : [crop(context), randomFlip()],
  )

const smoothing = 0.1
/** A larger rate destroys the features: 0.003 does so with efficientnet-lite2. The warm-up multiplies the optimizer's by 8. */
const rateOf = (name: PretrainedModel): number => (name === 'efficientnet-lite0' ? 0.003 : 0.001)

/**
 * Fits the last layer of a network pretrained on ImageNet to your pictures, then fine-tunes the whole network with its
 * batch norm frozen.
 *
 * @throws UsageError for a network without pretrained weights
 * @example
 * const teacher = pretrainedRecipe({ from: './resnet152.pth', model: 'resnet-152' })
 */
export function pretrainedRecipe(options: PretrainedOptions = {}): Recipe {
  const { from = usualModel, views = 4 } = options
  const name = networkOf(options)
  const { mean, deviation, size } = pretrainedInputs[name]
  return defineRecipe({
    what: 'your own pictures, with a network pretrained on ImageNet: the last layer, then all layers',
    model: (context) => load(name, from, context),
    normalization: { mean, deviation },
    head: { passes: (context) => viewsOf(views, context), smoothing },
    size,
    larger,
    epochs: 5,
    batchSize: 32,
    validation: 0.1,
    optimizer: () => tf.train.momentum(rateOf(name) / 8, 0.9, true),
    tricks: (context) => [
      // Edges and textures are the same in all pictures, and a step is a third faster.
      ...(name.startsWith('efficientnet') ? [freeze({ until: 'blocks5' })] : []),
      crop(context),
      randomFlip(),
      labelSmoothing({ epsilon: smoothing }),
      warmup({ multiplier: 8, over: { fraction: 0.1 }, after: cosineDecay() }),
    ],
  })
}

async function load(
  name: PretrainedModel,
  from: string,
  { data: { height, width, channels, classes }, view }: RecipeContext,
): Promise<LayersModel> {
  const model = unloaded(name, [height, width, channels], classes)
  try {
    await loadPretrained(model, from, {
      report: (line) => view?.say(`Weights    ${line}`),
      progress(done, total) {
        const of = total === undefined ? '' : ` of ${(total / 1e6).toFixed(0)}`
        view?.status(`Weights    ${(done / 1e6).toFixed(0)}${of} MB`)
      },
    })
    return foldBatchNorm(model)
  } finally {
    model.dispose()
  }
}

/** The network without weights. */
export const unloaded = (
  name: PretrainedModel,
  inputShape: [number, number, number],
  classes: number,
): LayersModel =>
  createModel(name, {
    inputShape,
    classes,
    weights: 'zeros',
    ...(name.startsWith('resnet') && { stem: 'imagenet', padding: 'torch' }),
  })
