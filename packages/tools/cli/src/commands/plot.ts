import { resolve } from 'node:path'
import { writeFileSync } from 'node:fs'
import { useBackend } from '@tricks/backend'
import { plotSvg, plotTerminal, rateCurve } from '@tricks/report'
import { tricksOf, validationOf } from '@tricks/run'
import { dryContext } from '../recipes/dry.ts'
import { recipeNamed } from '../recipes/index.ts'

import type { Command } from './command.ts'

/** The size of CIFAR's training set; the curve has the same shape for any number. */
const usualImages = 50_000

export const plot: Command<'recipe' | 'epochs' | 'images' | 'svg'> = {
  usage: 'plot',
  what: "Plot a recipe's learning-rate schedule",
  flags: ['recipe', 'epochs', 'images', 'svg'],
  examples: ['plot --recipe six', 'plot --recipe ./my.recipe.ts --svg rate.svg'],
  async run(_, { recipe: name = 'quick', epochs, images = usualImages, svg }) {
    await useBackend('wasm')
    const recipe = await recipeNamed(name)
    const optimizer = recipe.optimizer() as { learningRate?: number } & ReturnType<
      typeof recipe.optimizer
    >
    const { learningRate } = optimizer.getConfig()
    const curve = rateCurve({
      name: `learning rate of ${name}`,
      of: tricksOf(recipe, dryContext(recipe, { images })),
      rate: learningRate as number,
      epochs: epochs ?? recipe.epochs,
      stepsPerEpoch: Math.ceil((images - validationOf(recipe, images)) / recipe.batchSize),
      batchSize: recipe.batchSize,
    })
    optimizer.dispose()
    if (svg === undefined) return console.log(await plotTerminal([curve]))
    writeFileSync(resolve(svg), plotSvg([curve]))
    console.log(resolve(svg))
  },
}
