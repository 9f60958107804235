import type { Recipe, RecipeContext } from '@tricks/run'

/**
 * The context for creating a recipe's tricks without training: CIFAR's shapes, and a teacher that throws.
 */
export const dryContext = (
  { size = 32 }: Recipe,
  data: Partial<RecipeContext['data']> = {},
): RecipeContext => ({
  data: { height: size, width: size, channels: 3, classes: 10, images: 50_000, ...data },
  seed: 0,
  teacher: {
    name: 'absent',
    apply() {
      throw new Error('the teacher is unavailable outside training')
    },
  },
})
