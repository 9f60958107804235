import { keyOf } from '@tricks/core/run'
import { type Recipe, tricksOf } from '@tricks/run'
import { articleRecipe, type ArticleTrick } from '../recipes/article.ts'
import { recipeNamed } from '../recipes/index.ts'

/** The definition of an arm, as JSON. */
export type Spec =
  | { readonly article: readonly ArticleTrick[]; readonly batchSize?: number }
  | { readonly recipe: string; readonly tricks: readonly string[] }

/** Builds the recipe of an arm. */
export async function recipeOfSpec(spec: Spec): Promise<Recipe> {
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
