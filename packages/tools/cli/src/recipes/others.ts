// The recipe `base` with each trick that is not in the article, for the ablation that measures them.
import { adamw } from '@tricks/adamw'
import { asymmetric } from '@tricks/asymmetric-loss'
import { augmix } from '@tricks/augmix'
import { binaryCrossEntropy } from '@tricks/binary-cross-entropy'
import { classWeights } from '@tricks/class-weights'
import type { Trick } from '@tricks/core'
import { cosineDecay, cosineRestarts } from '@tricks/cosine-decay'
import { cutmix } from '@tricks/cutmix'
import { exampleFiltering } from '@tricks/example-filtering'
import { exponentialDecay } from '@tricks/exponential-decay'
import { focal } from '@tricks/focal-loss'
import { gradientClipping } from '@tricks/gradient-clipping'
import { lamb } from '@tricks/lamb'
import { lars } from '@tricks/lars'
import { lion } from '@tricks/lion'
import { logitAdjustment } from '@tricks/logit-adjustment'
import { lookahead } from '@tricks/lookahead'
import { muon } from '@tricks/muon'
import { oneCycle } from '@tricks/one-cycle'
import { polynomialDecay } from '@tricks/polynomial-decay'
import { progressiveResizing } from '@tricks/progressive-resizing'
import { randAugment } from '@tricks/rand-augment'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { reduceOnPlateau } from '@tricks/reduce-on-plateau'
import { defineRecipe, type Recipe } from '@tricks/run'
import { averagedWeights, scheduleFreeSgd } from '@tricks/schedule-free'
import { sgd } from '@tricks/sgd'
import { sharpnessAware } from '@tricks/sharpness-aware'
import { testTimeAugmentation } from '@tricks/test-time-augmentation'
import { trivialAugment } from '@tricks/trivial-augment'
import { uniformAugment } from '@tricks/uniform-augment'
import { warmupStableDecay } from '@tricks/warmup-stable-decay'
import { exponentialAverage, stochasticAverage } from '@tricks/weight-averaging'
import { articleRecipe } from './article.ts'

type Plain = Extract<Recipe, { readonly model: 'plain' }>
type Resnet = Extract<Recipe, { readonly model: 'resnet-20' }>

const base = articleRecipe('the base', ['batch-norm', 'cosine-decay']) as Plain
const plain = (changes: Partial<Plain> = {}): Recipe => defineRecipe({ ...base, ...changes })
const resnet = (modelOptions: Resnet['modelOptions'] = {}): Recipe =>
  defineRecipe({ ...base, model: 'resnet-20', modelOptions })

const added = (...tricks: readonly Trick[]): Recipe => plain({ tricks: [...tricks, cosineDecay()] })
const scheduled = (schedule: Trick): Recipe => plain({ tricks: [schedule] })
const optimized = (optimizer: Recipe['optimizer']): Recipe => plain({ optimizer })

/** Optimizers and recipes have state or share it with tricks, so each run has a new one. */
type Make = (data: {
  /** Training images of each class. */
  readonly counts: readonly number[]
}) => Recipe

export const others = {
  base: () => plain(),

  mirroring: () => added(randomFlip()),
  'alternating flip': () => added(randomFlip({ alternate: true })),
  'random-resized-crop': () => added(randomResizedCrop({ area: [0.35, 1] })),
  'rand-augment': () => added(randAugment()),
  'trivial-augment': () => added(trivialAugment()),
  'uniform-augment': () => added(uniformAugment()),
  augmix: () => added(augmix()),
  'progressive-resizing': () => added(progressiveResizing()),
  'crop + mirroring': () => added(randomCrop({ padding: 4 }), randomFlip()),
  'crop + mirroring, three copies': () =>
    plain({ repeats: 3, tricks: [randomCrop({ padding: 4 }), randomFlip(), cosineDecay()] }),
  cutmix: () => added(cutmix()),

  'binary-cross-entropy': () => added(binaryCrossEntropy({ reduction: 'batchmean' })),
  'focal-loss': () => added(focal()),
  'asymmetric-loss': () => added(asymmetric()),
  'class-weights': ({ counts }) => added(classWeights({ counts })),
  'logit-adjustment': ({ counts }) => added(logitAdjustment({ counts })),

  'one-cycle': () => scheduled(oneCycle()),
  'polynomial-decay': () => scheduled(polynomialDecay()),
  'exponential-decay': () => scheduled(exponentialDecay({ gamma: 0.9 })),
  'warmup-stable-decay': () => scheduled(warmupStableDecay()),
  'reduce-on-plateau': () => scheduled(reduceOnPlateau({ patience: 5 })),
  'cosine restarts': () => scheduled(cosineRestarts({ period: { epochs: 10 } })),

  'sgd with decay': () =>
    optimized(() => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4 })),
  adamw: () => optimized(() => adamw({ learningRate: 0.004 })),
  lion: () => optimized(() => lion({ learningRate: 0.0004, weightDecay: 0.1 })),
  lamb: () => optimized(() => lamb({ learningRate: 0.01 })),
  lars: () => optimized(() => lars({ learningRate: 2, momentum: 0.9, weightDecay: 1e-4 })),
  muon: () => optimized(() => muon({ learningRate: 0.02, inner: adamw({ learningRate: 0.004 }) })),
  lookahead: () => optimized(() => lookahead(base.optimizer())),
  'schedule-free'() {
    const optimizer = scheduleFreeSgd({ learningRate: 1, warmupSteps: 80 })
    return plain({ optimizer: () => optimizer, tricks: [averagedWeights(optimizer)] })
  },
  'gradient-clipping': () => added(gradientClipping({ norm: 1 })),
  'sharpness-aware': () => added(sharpnessAware()),
  'example-filtering': () => added(exampleFiltering()),

  'exponential-average': () => added(exponentialAverage({ decay: 0.99, warmup: true })),
  'stochastic-average': () => added(stochasticAverage()),
  'mirroring + test-time-augmentation': () => added(randomFlip(), testTimeAugmentation()),

  'ResNet-20': () => resnet(),
  'stochastic-depth': () => resnet({ stochasticDepth: 0.2 }),
  'squeeze-excite': () => resnet({ squeezeExcite: 0.25 }),
  'blur-pool': () => resnet({ blurPool: true }),
  'weight-standardization': () => resnet({ weightStandardization: true }),
} as const satisfies Record<string, Make>

export type Other = keyof typeof others
