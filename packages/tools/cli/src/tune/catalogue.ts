// The tricks that `tune` searches, in the order of a recipe's list: those that work with any data and network.
import type * as tf from '@tensorflow/tfjs-core'
import { adabound, adaboundOptions } from '@tricks/adabound'
import { adamw, adamwOptions } from '@tricks/adamw'
import { augmix, augmixOptions } from '@tricks/augmix'
import { autoAugment, autoAugmentOptions } from '@tricks/autoaugment'
import { binaryCrossEntropy, binaryCrossEntropyOptions } from '@tricks/binary-cross-entropy'
import { colorJitter, colorJitterOptions } from '@tricks/color-jitter'
import type { Trick } from '@tricks/core'
import type { Kind, OptionSet } from '@tricks/core/options'
import { cosineDecay, cosineDecayOptions } from '@tricks/cosine-decay'
import { cutmix, cutmixOptions } from '@tricks/cutmix'
import { cutout, cutoutOptions } from '@tricks/cutout'
import { focal, focalLossOptions } from '@tricks/focal-loss'
import { gradientClipping, gradientClippingOptions } from '@tricks/gradient-clipping'
import { xavier, xavierOptions } from '@tricks/initializers'
import { labelSmoothing, labelSmoothingOptions } from '@tricks/label-smoothing'
import { lion, lionOptions } from '@tricks/lion'
import { mixup, mixupOptions } from '@tricks/mixup'
import { oneCycle, oneCycleOptions } from '@tricks/one-cycle'
import { pcaLighting, pcaLightingOptions } from '@tricks/pca-lighting'
import { polynomialDecay, polynomialDecayOptions } from '@tricks/polynomial-decay'
import { randAugment, randAugmentOptions } from '@tricks/rand-augment'
import { randomCrop, randomCropOptions } from '@tricks/random-crop'
import { randomErasing, randomErasingOptions } from '@tricks/random-erasing'
import { randomFlip, randomFlipOptions } from '@tricks/random-flip'
import { randomRotation, randomRotationOptions } from '@tricks/random-rotation'
import { ricap, ricapOptions } from '@tricks/ricap'
import { sgd, sgdOptions } from '@tricks/sgd'
import { sharpnessAware, sharpnessAwareOptions } from '@tricks/sharpness-aware'
import { stepDecay, stepDecayOptions } from '@tricks/step-decay'
import { testTimeAugmentation, testTimeAugmentationOptions } from '@tricks/test-time-augmentation'
import { trivialAugment, trivialAugmentOptions } from '@tricks/trivial-augment'
import { uniformAugment, uniformAugmentOptions } from '@tricks/uniform-augment'
import { warmupStableDecay, warmupStableDecayOptions } from '@tricks/warmup-stable-decay'
import {
  exponentialAverage,
  exponentialAverageOptions,
  stochasticAverage,
  stochasticAverageOptions,
} from '@tricks/weight-averaging'
import { l1, l1Options, l2, l2Options } from '@tricks/weight-penalty'

type Options = Readonly<Record<string, unknown>>
type Declared = OptionSet<Readonly<Record<string, Kind>>, unknown>

/** A group of alternatives, of which a configuration has at most one. */
export type Group = 'policy' | 'mix' | 'loss' | 'average' | 'schedule'

/** A trick or an optimizer that a search may use. */
export interface Entry<T = Trick> {
  /** The trick's own name. */
  readonly name: string
  /** The package that exports it, without the scope. */
  readonly module: string
  readonly make: (options: Options) => T
  readonly declared: Declared
  readonly group?: Group
  /** Options where the search starts, if not at the declared defaults. */
  readonly start: Options
  /** Options that are not searched, as they have little effect. */
  readonly fixed: readonly string[]
}

interface Details {
  readonly module?: string
  readonly group?: Group
  readonly start?: Options
  readonly fixed?: readonly string[]
}

function entry<T>(make: unknown, declared: unknown, details: Details = {}): Entry<T> {
  const { name } = declared as Declared
  return {
    name,
    module: name,
    start: {},
    fixed: [],
    ...details,
    make: make as Entry<T>['make'],
    declared: declared as Declared,
  }
}

const policy = (make: unknown, declared: unknown, details: Details = {}): Entry =>
  entry(make, declared, {
    group: 'policy',
    fixed: ['bins', 'chains', 'depth', 'allOperations', 'interpolation'],
    ...details,
  })
const mix = (make: unknown, declared: unknown): Entry => entry(make, declared, { group: 'mix' })
const schedule = (make: unknown, declared: unknown, details: Details = {}): Entry =>
  entry(make, declared, { group: 'schedule', ...details })
const penalty = (make: unknown, declared: unknown): Entry =>
  entry(make, declared, { module: 'weight-penalty', fixed: ['biases', 'norms'] })
const averaging = { module: 'weight-averaging', group: 'average' } as const

export const catalogue: readonly Entry[] = [
  entry(xavier, xavierOptions, { module: 'initializers' }),
  entry(randomCrop, randomCropOptions),
  entry(randomFlip, randomFlipOptions, { fixed: ['probability', 'direction'] }),
  entry(randomRotation, randomRotationOptions, { fixed: ['interpolation'] }),
  policy(autoAugment, autoAugmentOptions),
  policy(randAugment, randAugmentOptions),
  policy(trivialAugment, trivialAugmentOptions),
  policy(uniformAugment, uniformAugmentOptions),
  policy(augmix, augmixOptions),
  entry(colorJitter, colorJitterOptions),
  entry(pcaLighting, pcaLightingOptions),
  entry(cutout, cutoutOptions),
  entry(randomErasing, randomErasingOptions, { fixed: ['aspect', 'fill', 'ratio'] }),
  mix(mixup, mixupOptions),
  mix(cutmix, cutmixOptions),
  mix(ricap, ricapOptions),
  entry(labelSmoothing, labelSmoothingOptions),
  entry(binaryCrossEntropy, binaryCrossEntropyOptions, {
    group: 'loss',
    fixed: ['reduction', 'smoothing', 'threshold'],
  }),
  entry(focal, focalLossOptions, { group: 'loss', fixed: ['of', 'reduction'] }),
  penalty(l1, l1Options),
  penalty(l2, l2Options),
  entry(gradientClipping, gradientClippingOptions, { start: { norm: 1 }, fixed: ['lastLayer'] }),
  entry(sharpnessAware, sharpnessAwareOptions, { fixed: ['every'] }),
  entry(exponentialAverage, exponentialAverageOptions, {
    ...averaging,
    start: { decay: 0.99, warmup: true },
    fixed: ['warmup', 'gamma', 'power', 'min'],
  }),
  entry(stochasticAverage, stochasticAverageOptions, { ...averaging, fixed: ['statistics'] }),
  entry(testTimeAugmentation, testTimeAugmentationOptions, {
    fixed: ['mirror', 'unsure', 'average'],
  }),
  schedule(cosineDecay, cosineDecayOptions),
  schedule(polynomialDecay, polynomialDecayOptions),
  schedule(stepDecay, stepDecayOptions, { start: { every: { fraction: 0.3 } } }),
  schedule(oneCycle, oneCycleOptions, { fixed: ['finalDivide', 'threePhase'] }),
  schedule(warmupStableDecay, warmupStableDecayOptions),
]

/** An optimizer, with the class names by which it is recognised in a recipe. */
export interface OptimizerEntry extends Entry<tf.Optimizer> {
  readonly classes: readonly string[]
}

const optimizer = (
  make: unknown,
  declared: unknown,
  details: Details & { readonly classes: readonly string[] },
): OptimizerEntry => ({ ...entry<tf.Optimizer>(make, declared, details), classes: details.classes })

export const optimizers: readonly OptimizerEntry[] = [
  optimizer(sgd, sgdOptions, {
    // TensorFlow.js's own compute the same.
    classes: ['TricksSgd', 'Momentum', 'SGD'],
    start: { learningRate: 0.05, momentum: 0.9, nesterov: true },
  }),
  optimizer(adamw, adamwOptions, { classes: ['AdamW'], fixed: ['epsilon', 'beta2'] }),
  optimizer(adabound, adaboundOptions, {
    classes: ['AdaBound'],
    fixed: ['beta2', 'gamma', 'epsilon', 'decoupled', 'amsbound', 'baseLearningRate'],
  }),
  optimizer(lion, lionOptions, { classes: ['Lion'], fixed: ['beta2'] }),
]
