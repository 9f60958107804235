#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { cac } from 'cac'
import { backendNames, type BackendName } from '@tricks/backend'
import { modelNames } from '@tricks/models'
import type { Precision } from '@tricks/train'
import { ablate, readSummary } from './ablation/ablate.ts'
import { writeCards } from './ablation/cards.ts'
import { article } from './article.ts'
import { plot, preview, previewNames } from './look.ts'
import { repository, writePictures } from './pictures.ts'
import { progressModes } from './progress.ts'
import { recipeNames, recipes } from './recipes.ts'
import { writeComparison, writeReport } from './report.ts'
import { flagOf, fromUser, run } from './run.ts'
import { tryAll } from './try.ts'

/** 0 done · 1 failed · 2 wrong usage · 130 interrupted, with what was done saved. */
const exit = { failed: 1, usage: 2, interrupted: 130 }

const cli = cac('npm start --')
cli
  .command('[train]', 'Train a network on CIFAR-10 with tricks composed')
  .option(
    '--recipe <name>',
    `What to train with: ${Object.keys(recipes).join(', ')}; see the command recipes (default: quick, ` +
      'or quick-native where bfloat16 is computed in)',
  )
  .option('--model <name>', "Another network than the recipe's")
  .option('--epochs <n>', "Another length than the recipe's")
  .option('--seed <n>', 'Seed of all that is random', { default: 0 })
  .option('--backend <name>', `One of ${backendNames.join(', ')}; by default the best present`)
  .option(
    '--data <folder>',
    'CIFAR-10 or CIFAR-100 in the official binary layout, instead of the images that come along',
  )
  .option('--limit <n>', 'Train on that many images only')
  .option(
    '--precision <name>',
    "float32 or bfloat16, which @tricks/native can on processors that have it; default the recipe's",
  )
  .option('--out <folder>', 'Where the run is saved', { default: 'runs/<time>' })
  .option(
    '--resume <folder>',
    'Go on with that run; of the other flags only --save-every and --non-finite count',
  )
  .option(
    '--save-every <steps>',
    'Steps between two checkpoints (default: an epoch, a minute at most)',
  )
  .option(
    '--teacher <folder>',
    'The run to distil from, trained first where it is not there (default: runs/teacher)',
  )
  .option(
    '--micro-batch <n>',
    'Pass that many images at once and add their gradients up, where a batch does not fit into memory',
  )
  .option(
    '--non-finite <what>',
    'stop or skip: end where a loss or gradient is NaN or infinite (default), or leave such a step out',
  )
  .option(
    '--progress <how>',
    `${progressModes.join(', ')}: by default bars in a terminal, else lines; json gives a line an event`,
  )
  .option('--tensorboard', 'Also write what TensorBoard reads, into tensorboard/ of the run')
  .example('npm start -- --epochs 5 --seed 1')
  .example('npm start -- --recipe six --backend native')
  .action(async (command: string | undefined, flags: Flags) => {
    if (command !== undefined && command !== 'train')
      throw new UsageError(`unknown command '${command}'`)
    const { stopped } = await run({ ...checkFlags(flags), signal: stopSignal() })
    if (stopped === 'aborted') process.exitCode = exit.interrupted
  })
cli
  .command(
    'recipes',
    'Show the recipes, and what stands in for each trick of the article when it is left out',
  )
  .action(() => {
    for (const [name, { what, epochs }] of Object.entries(recipes))
      console.log(`${name.padEnd(16)}${what} (${epochs} epochs)`)
    console.log('\nonly:NAME       one trick of the article\nall-but:NAME    all of them but one\n')
    console.log(`${'NAME'.padEnd(20)}left out, it gives way to`)
    for (const [name, instead] of Object.entries(article))
      console.log(`${name.padEnd(20)}${instead}`)
  })
cli
  .command('try', 'Train each trick of the article alone, and all but it, for some steps')
  .option('--steps <n>', 'How long', { default: 20 })
  .option('--batch <n>', 'Images a step', { default: 64 })
  .option('--seed <n>', 'Seed of all that is random', { default: 0 })
  .option('--backend <name>', `One of ${backendNames.join(', ')}`)
  .action(async (flags: Flags) => {
    const { choice, whole } = checking(flags)
    const [steps, batchSize, seed] = [whole('steps', 1)!, whole('batch', 1)!, whole('seed', 0)!]
    await tryAll({ steps, batchSize, seed, backend: choice<BackendName>('backend', backendNames) })
  })
cli
  .command(
    'ablate',
    'Measure what each trick of the article is worth, over paired seeds; goes on where it was',
  )
  .option('--out <folder>', 'Where it is kept', { default: join('bench', 'ablation') })
  .option('--seeds <n>', 'Runs of each arm', { default: 5 })
  .option('--epochs <n>', 'Length of each run', { default: 40 })
  .option('--images <n>', 'To train on, as many of each class', { default: 5000 })
  .option('--measured <n>', 'Other images, to measure on', { default: 10_000 })
  .option('--precision <name>', 'bfloat16, or float32 where the processor lacks it', {
    default: 'bfloat16',
  })
  .option('--processes <n>', 'How many train at once, a thread each', {
    default: availableParallelism(),
  })
  .option(
    '--only <names>',
    'These comparisons alone, by the names in the table, with commas between',
  )
  .option('--backend <name>', `One of ${backendNames.join(', ')}`, { default: 'native' })
  .action(async (flags: Flags) => {
    const { choice, whole } = checking(flags)
    const trainingImages = whole('images', 100)!
    await ablate({
      out: fromUser(String(flags['out'])),
      seeds: whole('seeds', 1)!,
      epochs: whole('epochs', 1)!,
      batchSize: 128,
      trainingImages,
      validationImages: trainingImages / 10,
      measuredImages: whole('measured', 10)!,
      backend: choice<BackendName>('backend', backendNames)!,
      precision: choice<Precision>('precision', ['float32', 'bfloat16'])!,
      processes: whole('processes', 1)!,
      ...(flags['only'] !== undefined && { only: String(flags['only']).split(',') }),
      signal: stopSignal(),
    })
  })
cli
  .command(
    'report <...runs>',
    "Make a run's page anew, or one page of several runs beside each other; they may be going on",
  )
  .option('--out <file>', 'Where (default: report.html in the run, comparison.html for several)')
  .action(async (runs: string[], { out }: Flags) => {
    const file = out === undefined ? undefined : fromUser(String(out))
    const [only, ...others] = runs.map(fromUser)
    console.log(
      others.length === 0
        ? await writeReport(only!, file)
        : await writeComparison([only!, ...others], file ?? fromUser('comparison.html')),
    )
  })
cli
  .command(
    'preview [trick]',
    `Draw what a trick makes of images, or what a recipe shows its network; ${previewNames.join(', ')}`,
  )
  .option('--recipe <name>', 'All of its tricks, one under another', { default: 'quick' })
  .option('--step <n>', "The recipe's step, from 0", { default: 0 })
  .option('--seed <n>', 'Seed of what is drawn')
  .option('--images <n>', 'How many', { default: 7 })
  .option('--backend <name>', `One of ${backendNames.join(', ')}`)
  .option('--out <file>', 'Where: a .png or a .svg', { default: 'preview.png' })
  .action(async (trick: string | undefined, flags: Flags) => {
    const { choice, recipe, whole } = checking(flags)
    if (trick !== undefined && !previewNames.includes(trick))
      throw new UsageError(`preview: expected one of ${previewNames.join(', ')}, got ${trick}`)
    await preview({
      trick,
      recipe: recipe(),
      step: whole('step', 0),
      seed: whole('seed', 0),
      images: whole('images', 1),
      backend: choice<BackendName>('backend', backendNames),
      out: fromUser(String(flags['out'])),
    })
  })
cli
  .command('plot', 'Plot the learning rate of a run before it is run')
  .option('--recipe <name>', 'Whose', { default: 'quick' })
  .option('--epochs <n>', "Another length than the recipe's")
  .option('--svg <file>', 'Into a file rather than the terminal')
  .action(async (flags: Flags) => {
    const { recipe, whole } = checking(flags)
    await plot({
      recipe: recipe()!,
      epochs: whole('epochs', 1),
      svg: flags['svg'] === undefined ? undefined : fromUser(String(flags['svg'])),
    })
  })
cli
  .command('pictures', "Make the pictures on the tricks' cards and in the README anew")
  .action(writePictures)
cli.command('cards', "Write what the ablation measured on the tricks' cards").action(() => {
  const summary = readSummary(join(repository, 'bench', 'ablation'))
  writeCards(repository, summary, summary.comparisons)
})
cli.help()

/** Aborted when the user interrupts. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(exit.interrupted)
    console.error('\nFinishing the step; once more to leave at once.')
    stop.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  return stop.signal
}

class UsageError extends Error {}

type Flags = Readonly<Record<string, string | number | undefined>>

function checking(flags: Flags): {
  choice<T extends string>(flag: string, among: readonly T[]): T | undefined
  recipe(): string | undefined
  whole(flag: string, least: number): number | undefined
} {
  const choice = <T extends string>(
    flag: string,
    among: readonly T[],
    said = among.join(', '),
  ): T | undefined => {
    const value = flags[flag]
    if (value !== undefined && !among.includes(value as T))
      throw new UsageError(`--${flagOf(flag)}: expected one of ${said}, got ${value}`)
    return value as T | undefined
  }
  // Those of one trick, or of all but one, are too many to be read in a line.
  const named = Object.keys(recipes).join(', ')
  const recipesSaid = `${named}, only:NAME, all-but:NAME (npm start -- recipes tells of each)`
  return {
    choice,
    recipe: () => choice('recipe', recipeNames, recipesSaid),
    whole(flag, least) {
      const value = flags[flag]
      if (value === undefined) return undefined
      if (!Number.isInteger(value) || (value as number) < least)
        throw new UsageError(
          `--${flagOf(flag)}: expected a whole number from ${least}, got ${value}`,
        )
      return value as number
    },
  }
}

function checkFlags(flags: Flags): Omit<Parameters<typeof run>[0], 'signal'> {
  const { choice, recipe, whole } = checking(flags)
  const out = String(flags['out'])
  return {
    recipe: recipe(),
    model: choice('model', modelNames),
    backend: choice<BackendName>('backend', backendNames),
    precision: choice<Precision>('precision', ['float32', 'bfloat16']),
    epochs: whole('epochs', 1),
    seed: whole('seed', 0)!,
    limit: whole('limit', 1),
    data: flags['data'] === undefined ? undefined : String(flags['data']),
    resume: flags['resume'] === undefined ? undefined : String(flags['resume']),
    saveEvery: whole('saveEvery', 1),
    microBatch: whole('microBatch', 1),
    nonFinite: choice('nonFinite', ['stop', 'skip']),
    progress: choice('progress', progressModes),
    tensorboard: flags['tensorboard'] !== undefined,
    teacher: flags['teacher'] === undefined ? undefined : String(flags['teacher']),
    out: out === 'runs/<time>' ? undefined : out,
  }
}

try {
  cli.parse(process.argv, { run: false })
  await cli.runMatchedCommand()
} catch (error) {
  const { name, message } = error as Error
  // An unknown flag or a missing value is cac's error.
  const usage = error instanceof UsageError || name === 'CACError'
  const hint = usage
    ? '\nnpm start -- --help shows what there is.'
    : name === 'OutOfMemoryError'
      ? '\nHere: npm start -- --micro-batch 32, and half of that until it fits.'
      : ''
  console.error(`\n${message}${hint}`)
  process.exitCode = usage ? exit.usage : exit.failed
}
