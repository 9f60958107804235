import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { useBackend } from '@tricks/backend'
import { findRate as find } from '@tricks/rate-finder'
import { lossSvg, lossTerminal } from '@tricks/report'
import { progressView, setUp as setUpRun } from '@tricks/run'
import { isPictureFolder, locateData } from '../data.ts'
import { defaultRecipe, recipeNamed } from '../recipes/index.ts'
import { setUp } from '../session.ts'
import { stopSignal, UsageError } from '../usage.ts'
import type { Command } from './command.ts'

const names = [
  'recipe',
  'seed',
  'backend',
  'precision',
  'data',
  'limit',
  'size',
  'skipBroken',
  'svg',
] as const

export const findRate: Command<(typeof names)[number]> = {
  usage: 'find-rate <data>',
  what: 'Find a learning rate for a recipe and your data, in a hundred steps',
  flags: names,
  examples: ['find-rate ./pictures', 'find-rate cifar10 --recipe ./my.recipe.ts --svg loss.svg'],
  async run([data], { svg, data: binaries, backend: wanted, ...own }) {
    const view = progressView()
    const signal = stopSignal('Finishing the step.')
    const source = await locateData(String(data), { binaries, view, signal })
    const { name: backend } = await useBackend(wanted)
    const name = own.recipe ?? defaultRecipe(isPictureFolder(source), backend).name
    if ((await recipeNamed(name)).teacher)
      throw new UsageError(
        `find-rate: the recipe ${name} needs a teacher, which is not trained here`,
      )
    const settings = { ...own, recipe: name, data: source, seed: own.seed ?? 0, backend }
    const { recipe, data: images } = await setUp(settings, { view, signal })
    const { limit, seed, precision = recipe.precision } = settings
    const { model, tricks, optimizer, training, batchSize } = await setUpRun({
      recipe: { ...recipe, head: undefined },
      data: images,
      folder: '',
      seed,
      signal,
      view,
      ...(limit !== undefined && { limit }),
    })
    optimizer.dispose()
    try {
      const found = await find({
        model,
        data: { train: training, ...recipe.normalization },
        tricks,
        optimizer: () => recipe.optimizer(),
        batchSize,
        seed,
        signal,
        ...(precision && { precision }),
      })
      if (svg === undefined) console.log(await lossTerminal(found))
      else writeFileSync(resolve(svg), lossSvg(found))
      const rate = Number(found.rate.toPrecision(2))
      console.log(
        svg === undefined
          ? `\nSuggested   ${rate}, the highest rate of a schedule, or a little lower`
          : resolve(svg),
      )
    } finally {
      model.dispose()
    }
  },
}
