import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { ablate as compare, type Comparison, imagesOf, type Regime } from '@tricks/ablation'
import { useBackend } from '@tricks/backend'
import type { Json } from '@tricks/core'
import { hasModel, progressView, type Recipe, run, tricksOf, validationOf } from '@tricks/run'
import { unsupportedReason } from '@tricks/train'
import { articleComparisons, articlePage } from '../ablation/article.ts'
import { otherComparisons, othersPage } from '../ablation/others.ts'
import { recipeComparisons, recipePage } from '../ablation/recipe.ts'
import type { ArmSetup } from '../ablation/arm.ts'
import { isPictureFolder, loadData, locateData } from '../data.ts'
import { type Flags, written } from '../flags.ts'
import { printSummary } from '../ablation/print.ts'
import { dryContext } from '../recipes/dry.ts'
import { defaultRecipe, recipeNamed } from '../recipes/index.ts'
import { checkServer, slots, trialWorker, version } from '../trials/common.ts'
import { chosenNames, exitCodes, quoted, stopSignal } from '../usage.ts'
import type { Command } from './command.ts'

const names = [
  'recipe',
  'seeds',
  'epochs',
  'images',
  'measured',
  'size',
  'skipBroken',
  'processes',
  'only',
  'out',
  'backend',
  'precision',
  'queue',
  'storage',
] as const

export const ablate: Command<(typeof names)[number]> = {
  usage: 'ablate <data>',
  what: 'Measure the effect of each trick in a recipe on your data, with paired seeds',
  flags: names,
  examples: [
    'ablate ./pictures --seeds 2',
    'ablate cifar10 --recipe bag-of-tricks --images 5000',
    'ablate ./pictures --recipe base --only cutmix,muon',
    'ablate cifar10 --queue redis://queue:6379 --storage /shared/tricks',
  ],
  async run([data], flags, program) {
    const { queue, storage } = flags
    checkServer('ablate', flags)
    const source = await locateData(String(data))
    const { seeds = 3, processes = slots(), skipBroken = false, only } = flags
    const { name: backend } = await useBackend(flags.backend)
    const name = flags.recipe ?? defaultRecipe(isPictureFolder(source), backend).name
    const recipe = await recipeNamed(name)
    const size = flags.size ?? recipe.size ?? 64
    const signal = stopSignal()
    const view = progressView({ mode: 'lines' })
    const { train } = await loadData(source, { size, skipBroken, signal, view })

    const regime = regimeOf({ name, recipe, source, size, backend }, train.labels.length, flags)
    const reason = unsupportedReason(regime.precision)
    if (reason !== undefined) console.log(`In float32, not ${regime.precision}: ${reason}`)
    const precision = reason === undefined ? regime.precision : 'float32'
    // Checked before any time is spent on training.
    const images = imagesOf(train, {
      train: regime.trainingImages + regime.validationImages,
      measured: regime.measuredImages,
    })
    const { height, width, channels, classes, labels } = images.train
    const facts = { height, width, channels, classes: classes.length, images: labels.length }
    const command = `${program} ablate ${quoted(String(data))} ${written({ ...flags, seeds })}`
    const { all, page } =
      name === articleName
        ? { all: articleComparisons, page: articlePage(regime, tf.version_core) }
        : name === othersName
          ? { all: otherComparisons, page: othersPage(regime, command) }
          : {
              all: recipeComparisons(name, tricksOf(recipe, dryContext(recipe, facts))),
              page: recipePage(regime, command),
            }
    const comparisons = chosen(all, only)
    const out = resolve(flags.out ?? join('runs', `ablation-${name.replaceAll(/\W+/g, '-')}`))
    // With a server, workers find it in their shared folder, beside those of other ablations.
    const shared = storage === undefined ? out : resolve(storage)
    const teacherName = storage === undefined ? 'teacher' : teacherOf(regime)
    const teacher = join(shared, teacherName)
    if (recipe.teacher && !hasModel(teacher)) {
      console.log('Training the teacher that the others distil from')
      await run({
        recipe: { ...recipe.teacher, validation: regime.validationImages },
        data: { name: source, train: images.train },
        folder: teacher,
        epochs: regime.epochs,
        precision,
        resume: existsSync(join(teacher, 'run.json')),
        signal,
        view: progressView({ mode: 'quiet' }),
      })
    }
    const setup: ArmSetup = { regime, data: source, size, skipBroken, teacher: teacherName }
    const summaries = await compare({
      out,
      comparisons,
      regime,
      precision,
      seeds,
      processes,
      signal,
      worker: trialWorker,
      setup: setup as unknown as Json,
      ...(queue !== undefined && { server: { queue, version } }),
      page,
    })
    printSummary(summaries)
    console.log(`\n${join(out, 'README.md')}`)
    return signal.aborted ? exitCodes.interrupted : 0
  },
}

/**
 * The settings of the runs: from the flags, otherwise from the recipe; the article's ablation has its own sizes. The
 * keys are kept in this order in about.json, which a resumed ablation must match.
 */
function regimeOf(
  of: {
    readonly name: string
    readonly recipe: Recipe
    readonly source: string
    readonly size: number
    readonly backend: string
  },
  count: number,
  flags: Flags<'epochs' | 'images' | 'measured' | 'precision'>,
): Regime {
  const { name, recipe, source, size, backend } = of
  if (name === articleName) {
    const { images = 5000, measured = 10_000, epochs = 40, precision = 'bfloat16' } = flags
    return {
      epochs,
      batchSize: Math.min(recipe.batchSize, images),
      trainingImages: images,
      validationImages: images / 10,
      measuredImages: measured,
      backend,
      precision,
    }
  }
  const { epochs = recipe.epochs, precision = recipe.precision ?? 'float32' } = flags
  const measuredImages = flags.measured ?? Math.max(1, Math.floor(count / 5))
  const images = flags.images ?? count - measuredImages
  const validationImages = validationOf(recipe, images)
  const trainingImages = images - validationImages
  return {
    epochs,
    batchSize: Math.min(recipe.batchSize, trainingImages),
    trainingImages,
    validationImages,
    measuredImages,
    backend,
    precision,
    recipe: name,
    data: source,
    size,
  }
}

/** The recipe that runs the article's ablation. */
const articleName = 'bag-of-tricks'

/** The recipe that runs the ablation of all other tricks: they are added to it. */
const othersName = 'base'

function chosen(all: readonly Comparison[], only: string | undefined): readonly Comparison[] {
  const requested = chosenNames(only, [...new Set(all.map(({ name }) => name))])
  return all.filter(({ name }) => requested.includes(name))
}

/** A unique name for each teacher in a shared folder. */
const teacherOf = (regime: Regime): string =>
  `teacher-${createHash('sha256').update(JSON.stringify(regime)).digest('hex').slice(0, 12)}`
