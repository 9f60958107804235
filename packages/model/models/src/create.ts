import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertOption } from '@tricks/core'
import { airbench } from './airbench.ts'
import { plain } from './plain.ts'
import { preactResnet, type PreactResnetOptions } from './preact.ts'
import { wideResnet, type WideResnetOptions } from './preact.ts'
import { cifarResnet, type CifarResnetOptions, resnet, type ResnetOptions } from './resnet.ts'
import { resnet9 } from './resnet9.ts'

type Without<Options, Key extends keyof Options> = (options?: Omit<Options, Key>) => LayersModel

const cifar =
  (depth: number): Without<CifarResnetOptions, 'depth'> =>
  (options) =>
    cifarResnet({ ...options, depth })
const imagenet =
  (depth: NonNullable<ResnetOptions['depth']>): Without<ResnetOptions, 'depth'> =>
  (options) =>
    resnet({ ...options, depth })
const preact20: Without<PreactResnetOptions, 'depth'> = (options) =>
  preactResnet({ ...options, depth: 20 })
const wrn2810: Without<WideResnetOptions, 'depth' | 'width'> = (options) =>
  wideResnet({ ...options, depth: 28, width: 10 })

const models = {
  plain: plain,
  'resnet-20': cifar(20),
  'resnet-32': cifar(32),
  'resnet-44': cifar(44),
  'resnet-56': cifar(56),
  'resnet-110': cifar(110),
  'preact-resnet-20': preact20,
  'wrn-28-10': wrn2810,
  'resnet-9': resnet9,
  airbench: airbench,
  'resnet-18': imagenet(18),
  'resnet-34': imagenet(34),
  'resnet-50': imagenet(50),
  'resnet-101': imagenet(101),
  'resnet-152': imagenet(152),
} as const

/** The name of a model that `createModel` makes. */
export type ModelName = keyof typeof models

/** All names that `createModel` knows. */
export const modelNames: readonly ModelName[] = Object.keys(models) as ModelName[]

/**
 * Makes a model by its name.
 *
 * @param name one of `modelNames`
 * @param options those of every model (`ModelOptions`) and the model's own
 * @returns a tfjs-layers model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError for a name that is none, or if an option is out of its range
 * @example
 * const model = createModel('resnet-20', { classes: 100, seed: 1 })
 */
export function createModel<Name extends ModelName>(
  name: Name,
  options?: Parameters<(typeof models)[Name]>[0],
): LayersModel {
  assertOption(
    Object.hasOwn(models, name),
    'createModel',
    { name },
    `one of ${modelNames.join(', ')}`,
  )
  return models[name](options as never)
}
