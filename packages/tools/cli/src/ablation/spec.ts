import { keyOf } from '@tricks/core/run'
import { type Recipe, tricksOf } from '@tricks/run'
import { articleRecipe, type ArticleTrick } from '../recipes/article.ts'
import { recipeNamed } from '../recipes/index.ts'
import { type Other, others } from '../recipes/others.ts'

/** The definition of an arm, as JSON. */
export type Spec =
  | { readonly article: readonly ArticleTrick[]; readonly batchSize?: number }
  | { readonly other: Other; readonly longTailed?: true }
  | { readonly recipe: string; readonly tricks: readonly string[] }

/**
 * Builds the recipe of an arm.
 *
 * @param counts training images of each class
 */
export async function recipeOfSpec(spec: Spec, counts: readonly number[]): Promise<Recipe> {
  if ('other' in spec) return others[spec.other]({ counts })
  if ('article' in spec) {
    const { article, batchSize } = spec
    const recipe = articleRecipe('an arm of the ablation', article)
    return batchSize === undefined ? recipe : { ...recipe, batchSize }
  }
  const recipe = await recipeNamed(spec.recipe)
  return {
    ...recipe,
    tricks: (context) =>
      tricksOf(recipe, context).filter((trick) => spec.tricks.includes(keyOf(trick))),
  }
}
