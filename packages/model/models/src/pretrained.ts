import { type LiteVariant, liteVariants } from './options.ts'

/** The inputs that weights trained on ImageNet expect, and the layer with their features. */
export interface PretrainedInput {
  /** Height and width of the training images, in pixels; other and somewhat smaller sizes work too. */
  readonly size: number
  /** Mean per channel to normalise images in [0, 1] by: (image − mean) / deviation. */
  readonly mean: readonly [number, number, number]
  readonly deviation: readonly [number, number, number]
  /** The layer with the pooled features, `[batch, channels]`, from which the logits are computed. */
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
 * The expected inputs by the network's name in `createModel`.
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
