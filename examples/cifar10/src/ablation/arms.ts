// What the ablation compares: the base and the base with each trick, all tricks and all but each.
import { type ArticleTrick, articleTricks } from '../article.ts'

/** A run's tricks, and its batch where it is not the usual one. */
export interface Arm {
  readonly tricks: readonly ArticleTrick[]
  readonly batchSize?: number
}

/** A trick's effect is the first arm's result less the second's. */
export interface Comparison {
  readonly name: string
  /** Whether the trick joins the base, or leaves all. */
  readonly kind: 'added' | 'left out'
  readonly with: Arm
  readonly without: Arm
  readonly remark?: string
}

const base: readonly ArticleTrick[] = ['batch-norm', 'cosine-decay']
const but = (tricks: readonly ArticleTrick[], trick: ArticleTrick): ArticleTrick[] =>
  tricks.filter((each) => each !== trick)
const added = (...tricks: ArticleTrick[]): Pick<Comparison, 'with' | 'without'> => ({
  with: { tricks: [...base, ...tricks] },
  without: { tricks: base },
})

/** Comparisons that differ from "base and base with it", each with its reason. */
const special: Partial<
  Record<ArticleTrick, Pick<Comparison, 'with' | 'without'> & { readonly remark: string }>
> = {
  'batch-norm': {
    with: { tricks: base },
    without: { tricks: but(base, 'batch-norm') },
    remark: 'in the base: against the base without it, at a fifth of the rate',
  },
  'cosine-decay': {
    with: { tricks: base },
    without: { tricks: but(base, 'cosine-decay') },
    remark: 'in the base: against a constant rate',
  },
  'step-decay': {
    with: { tricks: ['batch-norm', 'step-decay'] },
    without: { tricks: but(base, 'cosine-decay') },
    remark: "in the cosine's place: against a constant rate",
  },
  'linear-scaling': {
    with: { tricks: [...base, 'linear-scaling'], batchSize: 512 },
    without: { tricks: base, batchSize: 512 },
    remark: 'at a batch of 512, against the rate of a batch of 256',
  },
}

export const comparisons: readonly Comparison[] = [
  { name: 'random-crop + mirroring', kind: 'added', ...added('random-crop', 'mirroring') },
  ...articleTricks.map((name): Comparison => ({
    name,
    kind: 'added',
    ...(special[name] ?? added(name)),
  })),
  { name: 'all', kind: 'added', with: { tricks: articleTricks }, without: { tricks: base } },
  ...articleTricks
    // Where the cosine is in, step decay gives way: there would be nothing to see.
    .filter((name) => name !== 'step-decay')
    .map((name): Comparison => ({
      name,
      kind: 'left out',
      with: { tricks: articleTricks },
      without: { tricks: but(articleTricks, name) },
    })),
]

/** Under which name an arm's runs are kept. */
export function keyOfArm({ tricks, batchSize }: Arm): string {
  const missing = articleTricks.filter((name) => !tricks.includes(name))
  const names =
    missing.length === 0
      ? 'all'
      : missing.length === 1
        ? `all but ${missing[0]}`
        : articleTricks.filter((name) => tricks.includes(name)).join(' + ')
  return batchSize === undefined ? names : `${names} @ ${batchSize}`
}

/** Each arm once, in the order in which results are wanted. */
export function armsOf(list: readonly Comparison[]): ReadonlyMap<string, Arm> {
  const arms = new Map<string, Arm>()
  for (const comparison of list)
    for (const arm of [comparison.without, comparison.with]) arms.set(keyOfArm(arm), arm)
  return arms
}
