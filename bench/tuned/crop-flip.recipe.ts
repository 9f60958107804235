// The base with crop and mirroring alone, which `bench/recipes.ts` compares with what the search found.
import { articleRecipe } from '../../packages/tools/cli/src/recipes/article.ts'

export default articleRecipe('the base with a random crop and mirroring', [
  'batch-norm',
  'cosine-decay',
  'random-crop',
  'mirroring',
])
