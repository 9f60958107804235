export { defineRecipe, type Recipe, type RecipeContext } from '@tricks/run'
export { type DataOptions, loadData } from './data.ts'
export { commandNames, main } from './main.ts'
export { recipeNamed, recipes } from './recipes/index.ts'
