import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { type ProgressView, type Recipe, replaceFile } from '@tricks/run'
import type { Queue } from '@tricks/trials'
import { type Flags, written } from '../flags.ts'
import { slots } from '../trials/common.ts'
import { driveTrials } from '../trials/drive.ts'
import { manifest } from '../tricks.ts'
import { exitCodes, quoted, UsageError } from '../usage.ts'
import { Account, type Budget, budgetOf } from './budget.ts'
import { callCode, recipeSource } from './code.ts'
import type { TuneFlags } from './flags.ts'
import { tune, type Found } from './conclude.ts'
import { narrowed, readSpace } from './given.ts'
import { type About, checkSame, gainText, pageOf, writeRecord } from './record.ts'
import { prepare } from './prepare.ts'
import { fewestRuns, type Trained } from './search.ts'
import { bagOf, type Searched, spaceOf } from './space.ts'
import { isKept } from './bag.ts'
import type { TuneSetup } from './setup.ts'
import { follow } from './view.ts'

type Given = Flags<TuneFlags>

/** The command `tune`. @returns the exit code */
export async function runTune(data: string, flags: Given, program: string): Promise<number> {
  const { seed = 0 } = flags
  const budget = flags.budget === undefined ? { epochs: 0 } : budgetOf(flags.budget)
  const given = flags.space === undefined ? {} : readSpace(flags.space)
  const { name, recipe, setup, base, view, signal } = await prepare('tune', data, flags)
  const searched = narrowed(spaceOf(base), given)
  if (flags.dry) return printSpace(searched)

  const processes = flags.processes ?? slots()
  const out = resolve(flags.out ?? join('runs', `tune-${name.replaceAll(/\W+/g, '-')}`))
  const account = new Account(budget, processes)
  checkEpochs(budget, setup)
  mkdirSync(out, { recursive: true })
  const versions = { tfjs: tf.version_core, cli: manifest.version }
  const about: About = { setup, seed, processes, ...searched, versions }
  checkSame('tune', out, about)
  const trained = new Map<string, Trained>()
  const record = { about, budget: flags.budget! }
  const found = await driveTrials(
    out,
    flags,
    { processes, signal, say: view.say },
    (queue, storage, stop) => {
      introduce(view, { setup, searched, queue, processes, out })
      const progress = follow(queue, { view, setup, account, processes })
      return tune({
        queue,
        storage,
        setup,
        base,
        searched,
        account,
        processes,
        seed,
        signal: stop,
        onResult(each) {
          trained.set(each.trial.id, each)
          progress.result(each, [...trained.values()])
          writeRecord(out, { ...record, trained: [...trained.values()] })
        },
      }).finally(() => progress.end())
    },
  )
  const again = `${program} tune ${quoted(data)} ${written({ ...flags, processes })}`
  if (!found) {
    view.result(`\nStopped and saved\nContinue   ${again}`)
    return exitCodes.interrupted
  }
  writeRecord(out, { ...record, trained: found.trained, found })
  conclude(view, found, {
    recipe,
    name,
    out,
    bag: bagOf(base, found.winner),
    setup,
    again,
    data,
    program,
  })
  return 0
}

/** Checks a budget in epochs before training. */
function checkEpochs(budget: Budget, { epochs }: TuneSetup): void {
  const needed = fewestRuns * epochs
  if ('epochs' in budget && budget.epochs < needed)
    throw new UsageError(
      `--budget: expected at least ${needed}epochs, ${fewestRuns} runs of ${epochs} epochs, got ${budget.epochs}epochs. ` +
        'Use a larger budget, or fewer --epochs.',
    )
}

/** Prints each parameter with its range and the start of the search. */
function printSpace({ space, start }: Searched): number {
  for (const [name, { when, ...parameter }] of Object.entries(space)) {
    const range =
      'choices' in parameter
        ? parameter.choices.join(', ')
        : `${parameter.min} … ${parameter.max}${parameter.scale === 'log' ? ', logarithmic' : ''}`
    const condition = when ? `  if ${when.parameter} is ${when.is.join(' or ')}` : ''
    console.log(
      `${name.padEnd(32)} ${range}  (${String(start[name])})${name.includes('.') ? '' : condition}`,
    )
  }
  return 0
}

function introduce(
  view: ProgressView,
  {
    setup,
    searched,
    queue,
    processes,
    out,
  }: {
    readonly setup: TuneSetup
    readonly searched: Searched
    readonly queue: Queue
    readonly processes: number
    readonly out: string
  },
): void {
  const { recipe, epochs, images, backend, precision } = setup
  view.say(`Recipe     ${recipe}, ${epochs} epochs, on ${backend} in ${precision}`)
  view.say(`Images     ${images.training} to train on, ${images.validation} for validation`)
  view.say(`Space      ${Object.keys(searched.space).length} parameters`)
  view.say(`Trials     ${queue.name}, ${processes} at once`)
  view.say(`Folder     ${out}\n`)
}

function conclude(
  view: ProgressView,
  found: Found,
  about: {
    readonly recipe: Recipe
    readonly name: string
    readonly out: string
    readonly bag: ReturnType<typeof bagOf>
    readonly setup: TuneSetup
    readonly again: string
    readonly data: string
    readonly program: string
  },
): void {
  const { recipe, name, out, bag, setup, again, data, program } = about
  const { comparison, parts, isBase } = found
  const { images, epochs, data: source } = setup
  const file = join(out, 'tuned.recipe.mjs')
  const gain = isBase
    ? `no candidate was better than ${name}`
    : `${gainText(comparison.gain)} percentage points over ${name} (n = ${comparison.n})`
  const content = recipeSource({
    recipe,
    name,
    bag,
    epochs,
    file,
    what: `tuned on ${source}: ${gain}`,
    comment: [
      `Found by tricks tune on ${source}, ${images.training} images, ${epochs} epochs:`,
      isBase ? `${gain}.` : `${gain} with fresh seeds on test images.`,
    ],
  })
  replaceFile(file, content)
  const page = pageOf(found, {
    title: `Tuned on ${source}`,
    about: [
      `${images.training} training images, ${images.validation} for validation; ${epochs} epochs. All trials are in ` +
        '[tune.json](tune.json), the recipe in [tuned.recipe.mjs](tuned.recipe.mjs).',
    ],
    recipe: content,
    again: `\`${again}\` continues the search; a larger budget adds trials.`,
  })
  replaceFile(join(out, 'README.md'), page)
  view.say('')
  if (isBase) view.result(`No candidate was better than ${name} on validation images`)
  else view.result(`Gain       ${gain}`)
  for (const call of bag.tricks)
    view.result(`           ${isKept(call) ? call.kept : callCode(call)}`)
  if (bag.optimizer)
    view.result(`           ${callCode(bag.optimizer)}, batches of ${bag.batchSize}`)
  if (parts.length > 0) view.result(`\nLeave-one-out, percentage points (n = ${parts[0]!.n})`)
  for (const { name: part, effect } of parts.toSorted((a, b) => b.effect.mean - a.effect.mean))
    view.result(`           ${part.padEnd(28)}${gainText(effect)}`)
  view.result(`\nReport     ${join(out, 'README.md')}`)
  view.result(`Train      ${program} train ${quoted(data)} --recipe ${quoted(file)}`)
}
