import { useBackend } from '@tricks/backend'
import { composeRun } from '@tricks/core/run'
import { planLines, tricksOf } from '@tricks/run'
import { recipeNamed, recipes as known } from '../recipes/index.ts'
import { article } from '../recipes/article.ts'
import { dryContext } from '../recipes/dry.ts'
import type { Command } from './command.ts'

export const recipes: Command<never> = {
  usage: 'recipes [name]',
  what: 'List the recipes, or show one in detail',
  flags: [],
  async run([name]) {
    if (name !== undefined) return show(name as string)
    for (const [each, { what = '', epochs }] of Object.entries(known))
      console.log(`${each.padEnd(16)}${what} (${epochs} epochs)`)
    console.log(
      '\nonly:NAME       only that trick of the article\nall-but:NAME    all tricks of the article except that one\n',
    )
    console.log(`${'NAME'.padEnd(20)}WITHOUT IT`)
    for (const [trick, instead] of Object.entries(article))
      console.log(`${trick.padEnd(20)}${instead}`)
    console.log(
      '\nFor your own recipe, write a file with export default defineRecipe({ … }) and pass --recipe ./my.recipe.ts',
    )
  },
}

async function show(name: string): Promise<void> {
  const recipe = await recipeNamed(name)
  // An optimizer may create tensors.
  await useBackend('wasm')
  const { what, model, epochs, batchSize, validation = 0.1, precision = 'float32' } = recipe
  if (what !== undefined) console.log(`${what}\n`)
  console.log(`Model      ${typeof model === 'string' ? model : 'defined by the recipe'}`)
  console.log(`Length     ${epochs} epochs of batches of ${batchSize}, in ${precision}`)
  console.log(`Validation ${validation} ${validation < 1 ? 'of the images' : 'images'}`)
  const optimizer = recipe.optimizer()
  const { learningRate, ...options } = optimizer.getConfig()
  console.log(
    `Optimizer  ${optimizer.getClassName()}, rate ${JSON.stringify(learningRate)} ${JSON.stringify(options)}`,
  )
  optimizer.dispose()
  const plan = composeRun([...tricksOf(recipe, dryContext(recipe))]).plan()
  console.log(`Tricks     ${planLines(plan).join('\n           ') || 'none'}`)
}
