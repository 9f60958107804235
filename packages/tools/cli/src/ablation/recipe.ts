// The comparisons in a recipe's ablation: the bare recipe with each of its tricks, and the recipe without each.
import type { Arm, Comparison, PageText, Regime } from '@tricks/ablation'
import { type Trick } from '@tricks/core'
import { keyOf } from '@tricks/core/run'

/** The comparisons of a recipe's tricks, by key. Tricks that set the learning rate are always included. */
export function recipeComparisons(recipe: string, tricks: readonly Trick[]): Comparison[] {
  const always = tricks.filter((trick) => trick.setsRate).map(keyOf)
  const keys = tricks.map(keyOf).filter((key) => !always.includes(key))
  const arm = (kept: readonly string[]): Arm => {
    const missing = keys.filter((key) => !kept.includes(key))
    const key =
      missing.length === 0
        ? 'all'
        : kept.length === 0
          ? 'bare'
          : missing.length === 1 && keys.length > 2
            ? `all but ${missing[0]}`
            : kept.join(' + ')
    return { key, spec: { recipe, tricks: [...always, ...kept] } }
  }
  return [
    ...keys.map((key): Comparison => ({
      name: key,
      kind: 'added',
      with: arm([key]),
      without: arm([]),
    })),
    { name: 'all', kind: 'added', with: arm(keys), without: arm([]) },
    ...keys.map((key): Comparison => ({
      name: key,
      kind: 'left out',
      with: arm(keys),
      without: arm(keys.filter((other) => other !== key)),
    })),
  ]
}

/** The text of the results page. */
export function recipePage(regime: Regime, command: string): PageText {
  const { trainingImages, validationImages, measuredImages, epochs, batchSize, recipe, data } =
    regime
  return {
    title: `The effect of each trick in ${recipe}`,
    about: [
      `${data}: ${trainingImages} training images, ${validationImages} for validation, and ${measuredImages} others to measure ` +
        `accuracy on; ${epochs} epochs, batch ${batchSize}. The two runs of a pair share the seed, the machine and ` +
        `its precision. An effect is the mean over pairs in percentage points with its 95 % confidence interval (Student's t), ` +
        `bold if that excludes zero; with a single pair there is no interval. The intervals are not corrected for multiple comparisons.`,
      `The base is the recipe without its tricks, except those that set the learning rate.`,
    ],
    again: `\`${command}\` continues where [runs.jsonl](runs.jsonl) ends, on ${regime.backend}.`,
  }
}
