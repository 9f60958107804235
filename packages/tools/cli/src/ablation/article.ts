// The comparisons in the article's ablation: the base with and without each trick, and all tricks with and without
// each.
import type { Arm, Comparison, PageText, Regime } from '@tricks/ablation'
import { type ArticleTrick, articleTricks } from '../recipes/article.ts'

const base: readonly ArticleTrick[] = ['batch-norm', 'cosine-decay']
const but = (tricks: readonly ArticleTrick[], trick: ArticleTrick): ArticleTrick[] =>
  tricks.filter((each) => each !== trick)

/** A run with the given tricks, and a batch size if it is not the usual one. */
function arm(tricks: readonly ArticleTrick[], batchSize?: number): Arm {
  const missing = articleTricks.filter((name) => !tricks.includes(name))
  const names =
    missing.length === 0
      ? 'all'
      : missing.length === 1
        ? `all but ${missing[0]}`
        : articleTricks.filter((name) => tricks.includes(name)).join(' + ')
  return {
    key: batchSize === undefined ? names : `${names} @ ${batchSize}`,
    spec: { article: tricks, ...(batchSize !== undefined && { batchSize }) },
  }
}
const added = (...tricks: ArticleTrick[]): Pick<Comparison, 'with' | 'without'> => ({
  with: arm([...base, ...tricks]),
  without: arm(base),
})

/** Comparisons other than "base, and base with the trick", each with its reason. */
const special: Partial<
  Record<ArticleTrick, Pick<Comparison, 'with' | 'without'> & { readonly remark: string }>
> = {
  'batch-norm': {
    with: arm(base),
    without: arm(but(base, 'batch-norm')),
    remark: 'in the base: against the base without it, at a fifth of the rate',
  },
  'cosine-decay': {
    with: arm(base),
    without: arm(but(base, 'cosine-decay')),
    remark: 'in the base: against a constant rate',
  },
  'step-decay': {
    with: arm(['batch-norm', 'step-decay']),
    without: arm(but(base, 'cosine-decay')),
    remark: "in the cosine's place: against a constant rate",
  },
  'linear-scaling': {
    with: arm([...base, 'linear-scaling'], 512),
    without: arm(base, 512),
    remark: 'at a batch of 512, against the rate of a batch of 256',
  },
}

export const articleComparisons: readonly Comparison[] = [
  { name: 'random-crop + mirroring', kind: 'added', ...added('random-crop', 'mirroring') },
  ...articleTricks.map((name): Comparison => ({
    name,
    kind: 'added',
    ...(special[name] ?? added(name)),
  })),
  { name: 'all', kind: 'added', with: arm(articleTricks), without: arm(base) },
  ...articleTricks
    // Step decay is omitted wherever cosine decay is used: it would have no visible effect.
    .filter((name) => name !== 'step-decay')
    .map((name): Comparison => ({
      name,
      kind: 'left out',
      with: arm(articleTricks),
      without: arm(but(articleTricks, name)),
    })),
]

/** The text of the results page. */
export const articlePage = (
  { trainingImages, validationImages, measuredImages, epochs, batchSize, backend }: Regime,
  tfjs: string,
): PageText => {
  const [count, kept, measured] = [trainingImages, validationImages, measuredImages].map((images) =>
    images.toLocaleString('en'),
  )
  return {
    title: 'The effect of each trick',
    about: [
      `The net \`plain\` (16-32-64-128) on ${count} images of CIFAR-10, equally many of each class, and ${kept} more for ` +
        `early stopping; ${epochs} epochs, batch ${batchSize}, momentum 0.9 (Nesterov). Accuracy is measured on ${measured} ` +
        `other training images: the test set is not read. The two runs of a pair share the seed, and so the initial ` +
        `weights, the image order and all other draws, as well as the machine and its precision. An effect is the mean ` +
        `over pairs in percentage points with its 95 % confidence interval (Student's t), bold if that excludes zero. The ` +
        `intervals are not corrected for multiple comparisons: of twenty tricks without any effect, one will appear to have one.`,
      `The base is batch norm and cosine decay. Calibration error is the expected calibration error over 15 bins; lower is better. ` +
        `The options are those of [article.ts](../../packages/tools/cli/src/recipes/article.ts); they are not tuned.`,
    ],
    controls: ['random-crop + mirroring', 'batch-norm'],
    again:
      `\`npm start -- ablate cifar10 --recipe bag-of-tricks --out bench/ablation\` continues where [runs.jsonl](runs.jsonl) ` +
      `ends, on ${backend}, TensorFlow.js ${tfjs}. The runs recorded so far used an earlier validation split, which was not stratified by class.`,
  }
}
