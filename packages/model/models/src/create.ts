import type { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument } from '@tricks/core'
import { airbench } from './airbench.ts'
import { efficientNetLite } from './efficient-net-lite.ts'
import { mobileNetV2 } from './mobile-net.ts'
import type {
  AirbenchOptions,
  CifarResnetOptions,
  EfficientNetLiteOptions,
  MobileNetV2Options,
  ModelOptions,
  PlainOptions,
  PreactResnetOptions,
  ResnetOptions,
  WideResnetOptions,
} from './options.ts'
import { plain } from './plain.ts'
import { preactResnet, wideResnet } from './preact.ts'
import { cifarResnet, resnet } from './resnet.ts'
import { resnet9 } from './resnet9.ts'

type Cifar = Omit<CifarResnetOptions, 'depth'>
type Lite = Omit<EfficientNetLiteOptions, 'variant'>
type Imagenet = Omit<ResnetOptions, 'depth'>

/** The options of each model that `createModel` supports. */
export interface Models {
  plain: PlainOptions
  'resnet-20': Cifar
  'resnet-32': Cifar
  'resnet-44': Cifar
  'resnet-56': Cifar
  'resnet-110': Cifar
  'preact-resnet-20': Omit<PreactResnetOptions, 'depth'>
  'wrn-28-10': Omit<WideResnetOptions, 'depth' | 'width'>
  'resnet-9': ModelOptions
  airbench: AirbenchOptions
  'resnet-18': Imagenet
  'resnet-34': Imagenet
  'resnet-50': Imagenet
  'resnet-101': Imagenet
  'resnet-152': Imagenet
  'efficientnet-lite0': Lite
  'efficientnet-lite1': Lite
  'efficientnet-lite2': Lite
  'efficientnet-lite3': Lite
  'efficientnet-lite4': Lite
  'mobilenet-v2': MobileNetV2Options
}

/** The name of a model that `createModel` supports. */
export type ModelName = keyof Models

const models: { [Name in ModelName]: (options?: Models[Name]) => LayersModel } = {
  plain,
  'resnet-20': (options) => cifarResnet({ ...options, depth: 20 }),
  'resnet-32': (options) => cifarResnet({ ...options, depth: 32 }),
  'resnet-44': (options) => cifarResnet({ ...options, depth: 44 }),
  'resnet-56': (options) => cifarResnet({ ...options, depth: 56 }),
  'resnet-110': (options) => cifarResnet({ ...options, depth: 110 }),
  'preact-resnet-20': (options) => preactResnet({ ...options, depth: 20 }),
  'wrn-28-10': (options) => wideResnet({ ...options, depth: 28, width: 10 }),
  'resnet-9': resnet9,
  airbench,
  'resnet-18': (options) => resnet({ ...options, depth: 18 }),
  'resnet-34': (options) => resnet({ ...options, depth: 34 }),
  'resnet-50': (options) => resnet({ ...options, depth: 50 }),
  'resnet-101': (options) => resnet({ ...options, depth: 101 }),
  'resnet-152': (options) => resnet({ ...options, depth: 152 }),
  'efficientnet-lite0': (options) => efficientNetLite({ ...options, variant: 0 }),
  'efficientnet-lite1': (options) => efficientNetLite({ ...options, variant: 1 }),
  'efficientnet-lite2': (options) => efficientNetLite({ ...options, variant: 2 }),
  'efficientnet-lite3': (options) => efficientNetLite({ ...options, variant: 3 }),
  'efficientnet-lite4': (options) => efficientNetLite({ ...options, variant: 4 }),
  'mobilenet-v2': mobileNetV2,
}

/** All model names. */
export const modelNames: readonly ModelName[] = Object.keys(models) as ModelName[]

/**
 * Creates a model by name.
 *
 * @param name one of `modelNames`
 * @param options the options common to all models (`ModelOptions`) and the model's own
 * @returns a tfjs-layers model from normalised images, `[batch, height, width, channels]`, to logits, `[batch, classes]`
 * @throws RangeError for an unknown name, or if an option is out of its range
 * @example
 * const model = createModel('resnet-20', { classes: 100, seed: 1 })
 */
export function createModel<Name extends ModelName>(
  name: Name,
  options?: Models[Name],
): LayersModel {
  assertArgument(
    Object.hasOwn(models, name),
    'createModel',
    { name },
    `one of ${modelNames.join(', ')}`,
  )
  return models[name](options)
}
