import type { Account } from '../tune/budget.ts'
import type { Plan, Sizes } from './method.ts'
import { methods, type MethodName } from './methods.ts'

/** The search's maximum share of the budget; the rest is for the comparison. */
const searchShare = 0.5
/** Pairs of the comparison. */
const pairs = { fewest: 2, most: 10 } as const

/**
 * The length of a search, and the number of pairs in the comparison.
 *
 * @throws Error if the budget is too small
 */
export function planOf(
  account: Account,
  perEpoch: number,
  {
    method,
    processes,
    arms,
    ...sizes
  }: Sizes & {
    readonly method: MethodName
    readonly processes: number
    /** The number of augmentations that are compared. */
    readonly arms: number
  },
): Plan & { readonly n: number } {
  const { epochs } = sizes
  const total = account.total / perEpoch
  const reserve = pairs.fewest * arms * epochs
  const shortest = methods[method].plan(0, sizes)
  const needed = Math.ceil(Math.max(shortest.cost / searchShare, shortest.cost + reserve))
  if (total < needed)
    throw new Error(
      `search: expected --budget to be at least ${account.text(needed * perEpoch, processes)} for ${shortest.text} ` +
        `and ${pairs.fewest} pairs of ${epochs} epochs for each of ${arms} augmentations, got ` +
        `${account.text(account.total, processes)}. Use a larger budget, or fewer --epochs, --images or --members.`,
    )
  const most = Math.min(Math.max(searchShare * total, shortest.cost), total - reserve)
  const plan = methods[method].plan(most, sizes)
  const n = Math.floor((total - plan.cost) / arms / epochs)
  return { ...plan, n: Math.min(pairs.most, Math.max(pairs.fewest, n)) }
}
