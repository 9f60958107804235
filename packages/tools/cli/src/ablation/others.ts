// The comparisons in the ablation of the tricks that are not in the article: each added to the base, or in the place of one
// of its parts.
import type { Arm, Comparison, PageText, Regime } from '@tricks/ablation'
import type { Other } from '../recipes/others.ts'
import type { Spec } from './spec.ts'

interface Against {
  /** The arm to compare with, if not the base. */
  readonly against?: Other
  /** The arm's name, if not the trick's. */
  readonly arm?: Other
  readonly remark?: string
  /** Trains on classes of unequal sizes; accuracy is measured on equal ones. */
  readonly longTailed?: true
}

const schedule = { remark: 'in the place of cosine decay' }
const optimizer = { remark: 'in the place of SGD with Nesterov momentum' }
const layer = { against: 'ResNet-20', remark: 'in ResNet-20' } as const
const loss = { remark: 'in the place of the cross-entropy' }
const rare = {
  longTailed: true,
  remark: 'the largest class has ten times the images of the smallest',
} as const
const average = { remark: 'evaluation uses the average' }

const compared: Readonly<Record<string, Against>> = {
  mirroring: {},
  'alternating flip': { against: 'mirroring', remark: 'against random mirroring' },
  'random-resized-crop': {},
  'rand-augment': {},
  'trivial-augment': {},
  'uniform-augment': {},
  augmix: { remark: 'without its Jensen–Shannon loss' },
  'progressive-resizing': {},
  'repeated augmentation': {
    arm: 'crop + mirroring, three copies',
    against: 'crop + mirroring',
    remark: 'three copies of an image per batch; both with random-crop and mirroring',
  },
  cutmix: {},
  'binary-cross-entropy': loss,
  'focal-loss': loss,
  'asymmetric-loss': loss,
  'class-weights': rare,
  'logit-adjustment': rare,
  'one-cycle': schedule,
  'polynomial-decay': schedule,
  'exponential-decay': schedule,
  'warmup-stable-decay': schedule,
  'reduce-on-plateau': schedule,
  'cosine-restarts': { ...schedule, arm: 'cosine restarts' },
  sgd: { arm: 'sgd with decay', remark: 'with a weight decay of 5e-4, against none' },
  adamw: optimizer,
  lion: optimizer,
  lamb: optimizer,
  lars: optimizer,
  muon: optimizer,
  lookahead: { remark: 'around SGD' },
  'schedule-free': { remark: 'SGD, in the place of Nesterov momentum and cosine decay' },
  'gradient-clipping': {},
  'sharpness-aware': {},
  'example-filtering': {},
  'exponential-average': average,
  'stochastic-average': average,
  'test-time-augmentation': {
    arm: 'mirroring + test-time-augmentation',
    against: 'mirroring',
    remark: 'both trained with mirroring',
  },
  'stochastic-depth': layer,
  'squeeze-excite': layer,
  'blur-pool': layer,
  'weight-standardization': layer,
}

function armOf(other: Other, longTailed: true | undefined): Arm {
  const spec: Spec = { other, ...(longTailed && { longTailed }) }
  return { key: longTailed ? `${other}, long-tailed` : other, spec }
}

export const otherComparisons: readonly Comparison[] = Object.entries(compared).map(
  ([name, { arm = name as Other, against = 'base', longTailed, remark }]) => ({
    name,
    kind: 'added',
    with: armOf(arm, longTailed),
    without: armOf(against, longTailed),
    ...(remark !== undefined && { remark }),
  }),
)

/** The text of the results page. */
export function othersPage(regime: Regime, command: string): PageText {
  const { trainingImages, validationImages, measuredImages, epochs, batchSize, data } = regime
  const count = (images: number): string => images.toLocaleString('en')
  return {
    title: 'The effect of each trick that is not in the article',
    about: [
      `${data}: the net \`plain\` (16-32-64-128) on ${count(trainingImages)} images, equally many of each class unless a row says ` +
        `otherwise, and ${count(validationImages)} for validation; ${epochs} epochs, batch ${batchSize}. Accuracy is measured on ` +
        `${count(measuredImages)} other training images: the test set is not read. The two runs of a pair share the seed, the ` +
        `machine and its precision. An effect is the mean over pairs in percentage points with its 95 % confidence interval ` +
        `(Student's t), bold if that excludes zero. The intervals are not corrected for multiple comparisons.`,
      `The base is batch norm, cosine decay and SGD with Nesterov momentum. Calibration error is the expected calibration error over ` +
        `15 bins; lower is better. No option is tuned: they are the defaults, or common values from the literature, listed in ` +
        `packages/tools/cli/src/recipes/others.ts. An optimizer may do better at another rate. Times depend on what else the machine did.`,
    ],
    controls: ['mirroring'],
    again: `\`${command}\` continues where [runs.jsonl](runs.jsonl) ends, on ${regime.backend}.`,
  }
}
