import {
  boolean,
  checked,
  choice,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1
const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount)

export type InputShape = readonly [height: number, width: number, channels: number]
const inputShape = (given: InputShape) =>
  checked<InputShape, { readonly default: InputShape }>(
    'height, width and channels, positive integers',
    (value) => isCounts(value) && value.length === 3,
    { default: given },
  )
const decay = { min: 0, below: 1 } as const

/** The options of every model. */
const common = {
  /** Height, width and channels of the images. */
  inputShape: inputShape([32, 32, 3]),
  /** Number of logits. */
  classes: integer({ min: 1, default: 10 }),
  /** A layer's initial weights depend only on it and the layer's name. */
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** Decay rate of batch norm's moving statistics; equals torch's momentum of 0.1. */
  momentum: number({ ...decay, default: 0.9 }),
  /** `'zeros'` builds faster if all weights are set afterwards, as by `loadWeights`. */
  weights: choice(['random', 'zeros'], { default: 'random' }),
}

/** Parts of residual blocks, which are off by default. */
const parts = {
  /**
   * Initialize each residual branch to 0, so that each block starts as its shortcut: the last gamma is 0, or in
   * pre-activated networks, where a relu follows it, the last kernel.
   */
  zeroInitResidual: boolean({ default: false }),
  /**
   * The rate at which the last block's branch is dropped in training, image by image; that of the others increases evenly
   * from 0 at the first.
   */
  stochasticDepth: number({ ...decay, default: 0 }),
  /** The hidden channels of squeeze-and-excitation, as a fraction of the branch's channels; 0 leaves it out. */
  squeezeExcite: number({ min: 0, max: 1, default: 0 }),
  /** Blur before halving height and width, in blocks and after the max-pool of a stem. */
  blurPool: boolean({ default: false }),
  /** Standardize the kernels of all convolutions. */
  weightStandardization: boolean({ default: false }),
}
const residual = { ...common, ...parts }
export const resnet9Parameters = defineParameters('resnet9', common)
export type ModelOptions = OptionsOf<typeof resnet9Parameters>

export const plainParameters = defineParameters('plain', {
  ...common,
  /** The widths of the convolutions, by stage. */
  widths: checked<readonly (readonly number[])[], { readonly default: readonly number[][] }>(
    'stages of positive integers',
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((stage: unknown) => isCounts(stage) && stage.length > 0),
    { default: [[32], [64], [128], [128]] },
  ),
  /** Use batch norm after each convolution; without it the convolutions have biases. */
  batchNorm: boolean({ default: true }),
  /** The fraction of features before the logits that is dropped in training. */
  dropout: number({ ...decay, default: 0 }),
})
export type PlainOptions = OptionsOf<typeof plainParameters>

type Widths = readonly [number, number, number]
export const airbenchParameters = defineParameters('airbench', {
  ...common,
  /** Decay rate of batch norm's moving statistics. */
  momentum: number({ ...decay, default: 0.6 }),
  /** The channels of the three blocks. */
  widths: checked<Widths, { readonly default: Widths }>(
    'three positive integers',
    (value) => isCounts(value) && value.length === 3,
    { default: [64, 256, 256] },
  ),
  /** `'gelu'` as in the paper; `'relu'` is faster. */
  activation: choice(['gelu', 'relu'], { default: 'gelu' }),
})
export type AirbenchOptions = OptionsOf<typeof airbenchParameters>

const deep = (offset: number, examples: string, given: number) =>
  checked<number, { readonly default: number }>(
    `6n + ${offset}, such as ${examples}`,
    (value) => typeof value === 'number' && isCount((value - offset) / 6),
    { default: given },
  )
const wide = (given: number) =>
  checked<number, { readonly default: number }>(
    'positive with 16 · width whole',
    (value) => typeof value === 'number' && isCount(16 * value),
    { default: given },
  )

export const cifarResnetParameters = defineParameters('cifarResnet', {
  ...residual,
  /** 6n + 2: 20, 32, 44, 56, 110, … */
  depth: deep(2, '20, 32, 44, 56 or 110', 20),
  /** Channels of the first stage; the next two have twice and four times as many. */
  width: integer({ min: 1, default: 16 }),
  /**
   * How shortcuts widen: `'pad'` subsamples every second pixel and appends channels of zeros (the paper's option A, no
   * parameters), `'projection'` is a strided 1 × 1 convolution with batch norm (option B).
   */
  shortcut: choice(['pad', 'projection'], { default: 'pad' }),
})
export type CifarResnetOptions = OptionsOf<typeof cifarResnetParameters>

export const preactResnetParameters = defineParameters('preactResnet', {
  ...residual,
  /** 6n + 2: 20, 32, 44, 56, 110, … */
  depth: deep(2, '20, 32, 44, 56 or 110', 20),
  /** Channels of the stages, in multiples of 16, 32 and 64. */
  width: wide(1),
})
export type PreactResnetOptions = OptionsOf<typeof preactResnetParameters>

export const wideResnetParameters = defineParameters('wideResnet', {
  ...residual,
  /** 6n + 4: 16, 22, 28, 40, … */
  depth: deep(4, '16, 22, 28 or 40', 28),
  /** The widening factor k: the stages have 16 k, 32 k and 64 k channels. */
  width: wide(10),
})
export type WideResnetOptions = OptionsOf<typeof wideResnetParameters>

/** Blocks per stage, by depth. */
export const stages = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
} as const
type Depth = keyof typeof stages

const resnetKinds = {
  ...residual,
  /** From 50 on, blocks are bottlenecks of three convolutions. */
  depth: checked<Depth, { readonly default: Depth }>(
    Object.keys(stages).join(', '),
    (value) => typeof value === 'number' && Object.hasOwn(stages, value),
    { default: 18 },
  ),
  /**
   * The stem: `'cifar'` is a 3 × 3 convolution, `'imagenet'` a strided 7 × 7 one and a max-pool, for images of [224,
   * 224, 3] and 1000 classes by default.
   */
  stem: choice(['cifar', 'imagenet'], { default: 'cifar' }),
  /**
   * How strided convolutions pad: `'same'` as in TensorFlow, or `'torch'`, half a kernel on each side, for
   * torchvision's weights.
   */
  padding: choice(['same', 'torch'], { default: 'same' }),
}
export const resnetParameters = defineParameters('resnet', resnetKinds)
export const imagenetParameters = defineParameters('resnet', {
  ...resnetKinds,
  inputShape: inputShape([224, 224, 3]),
  classes: integer({ min: 1, default: 1000 }),
})
export type ResnetOptions = OptionsOf<typeof resnetParameters>
export type BlockOptions = Required<Pick<ResnetOptions, keyof typeof parts>>
export type ResidualOptions = Pick<ResnetOptions, keyof typeof residual>

/** The options of networks of inverted residuals. */
const inverted = {
  ...common,
  /** Number of logits; ImageNet's classes by default. */
  classes: integer({ min: 1, default: 1000 }),
  /** The fraction of features before the logits that is dropped in training. */
  dropout: number({ ...decay, default: 0 }),
}

/** The width and depth factor of each variant, and its training image size. */
export const liteVariants = {
  0: { width: 1, depth: 1, size: 224 },
  1: { width: 1, depth: 1.1, size: 240 },
  2: { width: 1.1, depth: 1.2, size: 260 },
  3: { width: 1.2, depth: 1.4, size: 280 },
  4: { width: 1.4, depth: 1.8, size: 300 },
} as const
export type LiteVariant = keyof typeof liteVariants

export const efficientNetLiteParameters = defineParameters('efficientNetLite', {
  ...inverted,
  /** 0 to 4: increasing width, depth and image size. */
  variant: checked<LiteVariant, { readonly default: LiteVariant }>(
    Object.keys(liteVariants).join(', '),
    (value) => typeof value === 'number' && Object.hasOwn(liteVariants, value),
    { default: 0 },
  ),
  /** Height, width and channels of the images. @defaultValue the variant's training size, 3 channels */
  inputShape: optional(
    checked<InputShape>(
      'height, width and channels, positive integers',
      (value) => isCounts(value) && value.length === 3,
    ),
  ),
  /**
   * How strided convolutions pad images of another size than the variant's: `'trained'`, as at that size, like the
   * PyTorch code behind the ImageNet weights; `'same'`, as in TensorFlow and timm.
   */
  padding: choice(['trained', 'same'], { default: 'trained' }),
  /** Decay rate of batch norm's moving statistics, as published. */
  momentum: number({ ...decay, default: 0.99 }),
})
export type EfficientNetLiteOptions = OptionsOf<typeof efficientNetLiteParameters>

export const mobileNetV2Parameters = defineParameters('mobileNetV2', {
  ...inverted,
  inputShape: inputShape([224, 224, 3]),
  /** How strided convolutions pad: `'torch'` for torchvision's weights, `'same'` for TensorFlow's. */
  padding: choice(['torch', 'same'], { default: 'torch' }),
})
export type MobileNetV2Options = OptionsOf<typeof mobileNetV2Parameters>

export const whitenParameters = defineParameters('whiten', {
  /** Added to the eigenvalues. */
  epsilon: number({ above: 0, scale: 'log', default: 5e-4 }),
})
