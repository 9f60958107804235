// The tricks of the article, which can be removed (`--recipe all-but:NAME`) or used alone (`--recipe only:NAME`).
import * as tf from '@tensorflow/tfjs-core'
import { adabound } from '@tricks/adabound'
import { autoAugment } from '@tricks/autoaugment'
import { colorJitter } from '@tricks/color-jitter'
import { oneOf, type Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { distillation } from '@tricks/distillation'
import { earlyStopping } from '@tricks/early-stopping'
import { labelSmoothing } from '@tricks/label-smoothing'
import { linearScaling } from '@tricks/linear-scaling'
import { mixup } from '@tricks/mixup'
import { pcaLighting } from '@tricks/pca-lighting'
import { randomCrop } from '@tricks/random-crop'
import { randomErasing } from '@tricks/random-erasing'
import { randomFlip } from '@tricks/random-flip'
import { randomRotation } from '@tricks/random-rotation'
import { ricap } from '@tricks/ricap'
import { defineRecipe, type Recipe } from '@tricks/run'
import { stepDecay } from '@tricks/step-decay'
import { constantWarmup, warmup } from '@tricks/warmup'
import { l1, l2 } from '@tricks/weight-penalty'
import { xavier } from '@tricks/initializers'
import teacherRecipe from './teacher.ts'

/** The replacement for a removed trick. */
export const article = {
  'warm-up': 'the full rate from the first step',
  'constant-warm-up': 'nothing',
  'linear-scaling': 'the unscaled rate',
  'label-smoothing': 'one-hot targets',
  ricap: 'only mixup, or no mixing',
  distillation: 'no teacher',
  cutout: 'nothing',
  'random-erasing': 'nothing',
  'cosine-decay': 'step decay, or a constant rate',
  'step-decay': 'cosine decay, or a constant rate',
  mixup: 'only RICAP, or no mixing',
  adabound: 'SGD with Nesterov momentum',
  autoaugment: 'nothing',
  dropout: 'the identity',
  l1: 'nothing',
  l2: 'nothing',
  'batch-norm': 'biases',
  'early-stopping': 'all epochs',
  'random-crop': 'nothing',
  mirroring: 'nothing',
  rotation: 'nothing',
  'colour-shifting': 'nothing',
  'pca-lighting': 'nothing',
  xavier: "the model's default, Kaiming normal",
} as const satisfies Record<string, string>

export type ArticleTrick = keyof typeof article
export const articleTricks: readonly ArticleTrick[] = Object.keys(article) as ArticleTrick[]

/** A recipe with only the given tricks of the article. */
export function articleRecipe(what: string, names: readonly ArticleTrick[]): Recipe {
  const has = (name: ArticleTrick): boolean => names.includes(name)
  const when = (name: ArticleTrick, make: () => Trick): Trick[] => (has(name) ? [make()] : [])

  // A network without batch norm, and Adam, only tolerate smaller rates.
  const peak = has('adabound') ? 0.004 : has('batch-norm') ? 0.1 : 0.02
  const multiplier = 8
  const rate = has('warm-up') ? peak / multiplier : peak

  return defineRecipe({
    what,
    model: 'plain',
    epochs: 60,
    batchSize: 128,
    validation: 5000,
    modelOptions: {
      widths: [[16], [32], [64], [128]],
      batchNorm: has('batch-norm'),
      dropout: has('dropout') ? 0.2 : 0,
    },
    optimizer: () =>
      has('adabound')
        ? adabound({ learningRate: rate, finalLearningRate: rate * 20 })
        : tf.train.momentum(rate, 0.9, true),
    ...(has('distillation') && { teacher: teacherRecipe }),
    tricks({ teacher }) {
      const mixers = [...when('mixup', mixup), ...when('ricap', ricap)]
      const after = has('cosine-decay')
        ? cosineDecay()
        : has('step-decay')
          ? stepDecay({ milestones: [{ fraction: 0.5 }, { fraction: 0.75 }] })
          : undefined
      return [
        ...when('xavier', xavier),
        ...when('random-crop', () => randomCrop({ padding: 4 })),
        ...when('mirroring', randomFlip),
        ...when('rotation', () => randomRotation({ degrees: 15 })),
        ...when('autoaugment', () => autoAugment({ policy: 'cifar10' })),
        ...when('colour-shifting', () =>
          colorJitter({ brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 }),
        ),
        ...when('pca-lighting', pcaLighting),
        ...when('cutout', () => cutout({ length: 8 })),
        ...when('random-erasing', randomErasing),
        ...(mixers.length > 1 ? [oneOf(mixers.map((trick) => [trick, 1] as const))] : mixers),
        ...when('label-smoothing', labelSmoothing),
        ...(has('distillation')
          ? [distillation({ teacher: teacher!, temperature: 4, alpha: 0.5 })]
          : []),
        ...when('l1', () => l1({ strength: 1e-6 })),
        ...when('l2', () => l2({ strength: 5e-4 })),
        ...when('constant-warm-up', () => constantWarmup({ factor: 0.1, until: 0.85 })),
        ...(has('warm-up')
          ? [warmup({ multiplier, over: { fraction: 0.1 }, after })]
          : after
            ? [after]
            : []),
        ...when('linear-scaling', linearScaling),
        ...when('early-stopping', () =>
          earlyStopping({ monitor: 'validation accuracy', patience: 10 }),
        ),
      ]
    },
  })
}
