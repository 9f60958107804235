import { type LiteVariant, liteVariants } from './options.ts'

/** What weights that were trained on ImageNet expect of their images, and where their features are. */
export interface PretrainedInput {
  /** Height and width of the images in their training, in pixels; others work, somewhat smaller ones too. */
  readonly size: number
  /** By which images in [0, 1] are normalised, (image − mean) / deviation, per channel. */
  readonly mean: readonly [number, number, number]
  readonly deviation: readonly [number, number, number]
  /** The layer that gives the pooled features, `[batch, channels]`, from which the logits are computed. */
  readonly features: string
}

const imagenet = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
  features: 'pool',
} as const

const lite = (variant: LiteVariant): PretrainedInput => ({
  ...imagenet,
  size: liteVariants[variant].size,
})
const torchvision: PretrainedInput = { ...imagenet, size: 224 }

/**
 * By the name that `createModel` knows the network by.
 *
 * @example
 * const { size, mean, deviation, features } = pretrainedInputs['efficientnet-lite0']
 * const pooled = tf.model({ inputs: model.inputs, outputs: model.getLayer(features).output })
 */
export const pretrainedInputs = {
  'efficientnet-lite0': lite(0),
  'efficientnet-lite1': lite(1),
  'efficientnet-lite2': lite(2),
  'efficientnet-lite3': lite(3),
  'efficientnet-lite4': lite(4),
  'mobilenet-v2': torchvision,
  'resnet-18': torchvision,
  'resnet-34': torchvision,
  'resnet-50': torchvision,
  'resnet-101': torchvision,
  'resnet-152': torchvision,
} as const satisfies Readonly<Record<string, PretrainedInput>>
