import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { drawPopulationPolicy, pictureOf } from '@tricks/policy-search'
import { percent, replaceFile } from '@tricks/run'
import { type Queue, settle } from '@tricks/trials'
import { type Flags, written } from '../flags.ts'
import { slots } from '../trials/common.ts'
import { driveTrials } from '../trials/drive.ts'
import { manifest } from '../tricks.ts'
import { exitCodes, quoted } from '../usage.ts'
import { Account, budgetOf } from '../tune/budget.ts'
import { type Prepared, prepare } from '../tune/prepare.ts'
import { checkSame, gainText } from '../tune/record.ts'
import { metricsOf, tuneTrial } from '../tune/search.ts'
import { bagOf, spaceOf, startOf } from '../tune/space.ts'
import { type Arm, augmented, baselines, isPolicy, randomSchedule, scheduleCall } from './arms.ts'
import { compareArms } from './compare.ts'
import { populationEpochs, searchPopulation } from './population.ts'
import type { PolicyFlags } from './flags.ts'
import { type FoundSchedule, pageOf, recipeOnTop } from './record.ts'

type Given = Flags<PolicyFlags>

/** The search's maximum share of the budget; the rest compares what it found. */
const searchShare = 0.5
/** A shorter training has no generations to speak of. */
const fewestEpochs = 4
/** Pairs of the comparison. */
const pairs = { fewest: 2, most: 10 } as const

/** The command `search`. @returns the exit code */
export async function runSearch(data: string, flags: Given, program: string): Promise<number> {
  const { seed = 0, members = 16 } = flags
  const budget = budgetOf(flags.budget!)
  const prepared = await prepare('search', data, flags)
  const { name, setup, view, signal } = prepared
  const processes = flags.processes ?? slots()
  const out = resolve(flags.out ?? join('runs', `search-${name.replaceAll(/\W+/g, '-')}`))
  const account = new Account(budget, processes)
  if ('epochs' in budget) planOf(account, 1, { members, epochs: setup.epochs, processes })
  mkdirSync(out, { recursive: true })
  const versions = { tfjs: tf.version_core, cli: manifest.version }
  const about = { method: 'pba', setup, seed, members, budget: flags.budget!, versions }
  checkSame('search', out, about)
  const found = await driveTrials(
    out,
    flags,
    { processes, signal, say: view.say },
    (queue, storage, stop) =>
      drive({ ...prepared, signal: stop }, { queue, storage, account, processes, members, seed }),
  )
  const again = `${program} search ${quoted(data)} ${written({ ...flags, processes })}`
  if (!found) {
    view.result(`\nStopped and saved\nContinue   ${again}`)
    return exitCodes.interrupted
  }
  write(out, found, { about, prepared, again, data, program })
  return 0
}

interface Means {
  readonly queue: Queue
  readonly storage: string
  readonly account: Account
  readonly processes: number
  readonly members: number
  readonly seed: number
}

/** Searches and compares. All state is in the queue. */
async function drive(
  { setup, base, view, signal }: Prepared,
  { queue, storage, account, processes, members, seed }: Means,
): Promise<FoundSchedule | undefined> {
  const bag = bagOf(base, startOf(spaceOf(base)))
  const timed = await timingOf(queue, { setup, bag, seed, signal })
  if (timed === undefined) return undefined
  const perEpoch = account.perEpoch([{ epochs: timed.epochs, seconds: timed.seconds }])
  const { epochs, n } = planOf(account, perEpoch, { members, epochs: setup.epochs, processes })
  view.say(`Population ${members} members, ${epochs} epochs each`)
  view.say(`Comparison ${n} pairs of ${setup.epochs} epochs per augmentation, on test images\n`)
  const found = await searchPopulation({
    queue,
    storage,
    setup: { ...setup, epochs },
    bag,
    members,
    seed,
    signal,
    onGeneration({ number, members: all }, of) {
      const scores = all.map(({ accuracy }) => accuracy ?? 0)
      const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
      view.say(
        `Generation ${String(number + 1).padStart(3)}/${of}  best ${percent(Math.max(...scores))}, mean ${percent(mean)}`,
      )
    },
  })
  if (!found) return undefined
  const arms: Arm[] = [
    { name: 'found', augment: () => scheduleCall(found.schedule) },
    ...baselines(randomSchedule),
  ]
  const compared = await compareArms(arms, n, {
    queue,
    setup,
    bag,
    seed,
    signal,
    onResult: ({ name, seed: own, accuracy }) =>
      view.say(`${accuracy === null ? 'diverged' : percent(accuracy)}  ${name}, seed ${own}`),
  })
  return compared && { ...found, compared, n, epochs }
}

/**
 * How long members train, and how many pairs are compared.
 *
 * @throws Error if the budget is too small
 */
export function planOf(
  account: Account,
  perEpoch: number,
  {
    members,
    epochs,
    processes,
  }: { readonly members: number; readonly epochs: number; readonly processes: number },
): { readonly epochs: number; readonly n: number } {
  const total = account.total / perEpoch
  const arms = baselines(randomSchedule).length + 1
  const shortest = Math.min(fewestEpochs, epochs)
  const needed = Math.ceil(
    Math.max(
      populationEpochs(members, shortest) / searchShare,
      populationEpochs(members, shortest) + pairs.fewest * arms * epochs,
    ),
  )
  if (total < needed)
    throw new Error(
      `search: expected --budget to be at least ${account.text(needed * perEpoch, processes)} for ${members} members of ` +
        `${shortest} epochs and ${pairs.fewest} pairs of ${epochs} epochs for each of ${arms} augmentations, got ` +
        `${account.text(account.total, processes)}. Give it more, or fewer --epochs, --images or --members.`,
    )
  let own = epochs
  const reserve = pairs.fewest * arms * epochs
  const most = Math.min(
    Math.max(searchShare * total, populationEpochs(members, shortest)),
    total - reserve,
  )
  while (own > shortest && populationEpochs(members, own) > most) own--
  const left = total - populationEpochs(members, own)
  const n = Math.min(pairs.most, Math.max(pairs.fewest, Math.floor(left / arms / epochs)))
  return { epochs: own, n }
}

/** Trains with a random policy for a moment, to know what an epoch takes. */
async function timingOf(
  queue: Queue,
  {
    setup,
    bag,
    seed,
    signal,
  }: Pick<Prepared, 'setup' | 'signal'> & {
    readonly bag: ReturnType<typeof bagOf>
    readonly seed: number
  },
): Promise<{ readonly epochs: number; readonly seconds: number } | undefined> {
  const policy = drawPopulationPolicy(createRandom(seed).fork('timing'))
  const epochs = Math.min(2, setup.epochs)
  const trial = tuneTrial(
    'timing',
    augmented(bag, scheduleCall([{ until: 1, policy }])),
    { ...setup, epochs },
    {
      seed,
      budget: epochs,
      measured: 'validation',
    },
  )
  const [entry] = await settle(queue, [trial], { signal })
  if (!entry) return undefined
  if (entry.state === 'failed')
    throw new Error(`search: the recipe can't be trained: ${entry.error}`)
  return { epochs, seconds: metricsOf(entry)!.wallClock.seconds }
}

function write(
  out: string,
  found: FoundSchedule,
  of: {
    readonly about: object
    readonly prepared: Prepared
    readonly again: string
    readonly data: string
    readonly program: string
  },
): void {
  const { about, again, data, program } = of
  const { name, base, view } = of.prepared
  const replaced = base.tricks.flatMap((trick) => (isPolicy(trick.name) ? [trick.name] : []))
  const { schedule, compared, n } = found
  const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
  const file = join(out, 'searched.recipe.mjs')
  replaceFile(join(out, 'search.json'), text({ ...about, ...found }))
  replaceFile(join(out, 'schedule.json'), `${JSON.stringify(schedule)}\n`)
  replaceFile(join(out, 'schedule.svg'), pictureOf(schedule))
  replaceFile(file, recipeOnTop(name, file, replaced))
  replaceFile(join(out, 'README.md'), pageOf(found, { data, again }))
  view.say('')
  for (const { name: arm, accuracy, gain } of compared)
    view.result(
      `${percent(accuracy.mean).padStart(9)}  ${arm.padEnd(28)}${gain ? `found is better by ${gainText(gain)}` : ''}`,
    )
  view.result(`           percentage points, n = ${n}, on test images`)
  view.result(`\nReport     ${join(out, 'README.md')}`)
  view.result(`Train      ${program} train ${quoted(data)} --recipe ${quoted(file)}`)
}
