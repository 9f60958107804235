import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { ablate as compare, type Comparison, imagesOf, type Regime } from '@tricks/ablation'
import { useBackend } from '@tricks/backend'
import { hasModel, progressView, run, tricksOf, validationOf } from '@tricks/run'
import { lackOf, type Precision } from '@tricks/train'
import { articleComparisons, articlePage } from '../ablation/article.ts'
import { recipeComparisons, recipePage } from '../ablation/recipe.ts'
import type { WorkerSetup } from '../ablation/worker.ts'
import { isPictureFolder, loadData, locateData } from '../data.ts'
import { written } from '../flags.ts'
import { printSummary } from '../ablation/print.ts'
import { dryContext } from '../recipes/dry.ts'
import { defaultRecipe, recipeNamed } from '../recipes/index.ts'
import { exitCodes, quoted, stopSignal, UsageError } from '../usage.ts'
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
] as const

export const ablate: Command<(typeof names)[number]> = {
  usage: 'ablate <data>',
  what: "Measure what each of a recipe's tricks is worth on your data, over paired seeds",
  flags: names,
  examples: ['ablate ./pictures --seeds 2', 'ablate cifar10 --recipe bag-of-tricks --images 5000'],
  async run([data], flags, program) {
    const source = await locateData(String(data))
    const { seeds = 3, processes = availableParallelism(), skipBroken = false, only } = flags
    const backend = await useBackend(flags.backend)
    const name = flags.recipe ?? defaultRecipe(isPictureFolder(source), backend.name).name
    const ofArticle = name === 'bag-of-tricks'
    const recipe = await recipeNamed(name)
    const size = flags.size ?? recipe.size ?? 64
    const signal = stopSignal()
    const view = progressView({ mode: 'lines' })
    const { train } = await loadData(source, { size, skipBroken, signal, view })

    const wanted: Precision =
      flags.precision ?? (ofArticle ? 'bfloat16' : (recipe.precision ?? 'float32'))
    const lack = lackOf(wanted)
    if (lack !== undefined) console.log(`In float32, not ${wanted}: ${lack}`)
    const precision = lack === undefined ? wanted : 'float32'

    const count = train.labels.length
    const measuredImages =
      flags.measured ?? (ofArticle ? 10_000 : Math.max(1, Math.floor(count / 5)))
    const images = flags.images ?? (ofArticle ? 5000 : count - measuredImages)
    const validationImages = ofArticle ? images / 10 : validationOf(recipe, images)
    const trainingImages = ofArticle ? images : images - validationImages
    const regime: Regime = {
      epochs: flags.epochs ?? (ofArticle ? 40 : recipe.epochs),
      batchSize: Math.min(recipe.batchSize, trainingImages),
      trainingImages,
      validationImages,
      measuredImages,
      backend: backend.name,
      precision: wanted,
      ...(!ofArticle && {
        recipe: name,
        data: source,
        size,
      }),
    }
    // Before any time is spent.
    imagesOf(train, { train: trainingImages + validationImages, measured: measuredImages })
    const { height, width, channels, classes } = train
    const facts = { height, width, channels, classes: classes.length, images }
    const all = ofArticle
      ? articleComparisons
      : recipeComparisons(name, tricksOf(recipe, dryContext(recipe, facts)))
    const comparisons = chosen(all, only)
    const out = resolve(flags.out ?? join('runs', `ablation-${name.replaceAll(/\W+/g, '-')}`))
    const setup: WorkerSetup = {
      regime: {
        ...regime,
        precision,
      },
      data: source,
      size,
      skipBroken,
      teacher: join(out, 'teacher'),
    }
    if (recipe.teacher && !hasModel(setup.teacher)) {
      console.log('Training the teacher that the others distil from')
      const own = imagesOf(train, {
        train: trainingImages + validationImages,
        measured: measuredImages,
      })
      await run({
        recipe: {
          ...recipe.teacher,
          validation: validationImages,
        },
        data: {
          name: source,
          train: own.train,
        },
        folder: setup.teacher,
        epochs: regime.epochs,
        precision,
        resume: existsSync(join(setup.teacher, 'run.json')),
        signal,
        view: progressView({ mode: 'quiet' }),
      })
    }
    const command = `${program} ablate ${quoted(String(data))} ${written({ ...flags, seeds })}`
    const summaries = await compare({
      out,
      comparisons,
      regime,
      precision,
      seeds,
      processes,
      signal,
      worker: {
        module: workerModule(),
        arguments: [JSON.stringify(setup)],
      },
      page: ofArticle ? articlePage(regime, tf.version_core) : recipePage(regime, command),
    })
    printSummary(summaries)
    console.log(`\n${join(out, 'README.md')}`)
    return signal.aborted ? exitCodes.interrupted : 0
  },
}

function chosen(all: readonly Comparison[], only: string | undefined): readonly Comparison[] {
  if (only === undefined) return all
  const asked = only.split(',').map((name) => name.trim())
  const known = new Set(all.map(({ name }) => name))
  const strange = asked.find((name) => !known.has(name))
  if (strange !== undefined)
    throw new UsageError(`--only: expected some of ${[...known].join(', ')}, got ${strange}`)
  return all.filter(({ name }) => asked.includes(name))
}

/** Next to this module, built or not. */
function workerModule(): string {
  const here = import.meta.url
  return fileURLToPath(
    here.endsWith('.ts')
      ? new URL('../ablation/worker.ts', here)
      : new URL('ablation-worker.js', here),
  )
}
