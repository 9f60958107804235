import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { percent } from '@tricks/run'
import type { Entry, Queue } from '@tricks/trials'
import { type Flags, written } from '../flags.ts'
import { slots } from '../trials/common.ts'
import { driveTrials } from '../trials/drive.ts'
import { manifest } from '../tricks.ts'
import { chosenNames, exitCodes, quoted, UsageError } from '../usage.ts'
import { Account, budgetOf } from '../tune/budget.ts'
import { type Prepared, prepare } from '../tune/prepare.ts'
import { checkSame } from '../tune/record.ts'
import { metricsOf, scoreOf, tuneTrial } from '../tune/search.ts'
import { bagOf, spaceOf, startOf } from '../tune/space.ts'
import { type Arm, augmented, baselines } from './arms.ts'
import { compareArms } from './compare.ts'
import type { PolicyFlags } from './flags.ts'
import { resultsOf } from './method.ts'
import { methods, type MethodName } from './methods.ts'
import { planOf } from './plan.ts'
import { population } from './population.ts'
import type { Concluded } from './record.ts'
import { writeFound } from './write.ts'

type Given = Flags<PolicyFlags>

/** The command `search`. @returns the exit code */
export async function runSearch(data: string, flags: Given, program: string): Promise<number> {
  const { seed = 0, members = 16, method = 'pba', reward = 'mean' } = flags
  checkMethod(method, flags)
  const budget = budgetOf(flags.budget!)
  const prepared = await prepare('search', data, flags)
  const { name, setup, view, signal } = prepared
  const processes = flags.processes ?? slots()
  const out = resolve(flags.out ?? join('runs', `search-${name.replaceAll(/\W+/g, '-')}`))
  const account = new Account(budget, processes)
  const arms = armsOf(method, flags.only)
  const search = { method, members, reward, seed, processes, account, arms }
  if ('epochs' in budget) planOf(account, 1, sizesOf(prepared, search))
  mkdirSync(out, { recursive: true })
  const versions = { tfjs: tf.version_core, cli: manifest.version }
  const { only } = flags
  const about = { method, setup, seed, members, reward, only, budget: flags.budget!, versions }
  checkSame('search', out, about)
  const found = await driveTrials(
    out,
    flags,
    { processes, signal, say: view.say },
    (queue, storage, stop) => drive({ ...prepared, signal: stop }, queue, storage, search),
  )
  const again = `${program} search ${quoted(data)} ${written({ ...flags, processes })}`
  if (!found) {
    view.result(`\nStopped and saved\nContinue   ${again}`)
    return exitCodes.interrupted
  }
  const { title } = methods[method]
  await writeFound(out, found, { about, title, prepared, again, data, program })
  return 0
}

/** The augmentations of the comparison, apart from the found one. */
function armsOf(method: MethodName, only: string | undefined): readonly Arm[] {
  const all = baselines(methods[method].random)
  const names = chosenNames(
    only,
    all.map(({ name }) => name),
  )
  return all.filter(({ name }) => names.includes(name))
}

/** Rejects flags of other methods. */
function checkMethod(method: MethodName, { members, reward }: Given): void {
  if (reward !== undefined && method !== 'fast-autoaugment')
    throw new UsageError(`--reward: expected --method fast-autoaugment, got ${method}`)
  if (members !== undefined && method !== 'pba' && method !== 'autoaugment')
    throw new UsageError(`--members: expected --method pba or autoaugment, got ${method}`)
}

/** The settings of a search. */
interface Search {
  readonly method: MethodName
  readonly members: number
  readonly reward: 'mean' | 'best-of-five'
  readonly seed: number
  readonly processes: number
  readonly account: Account
  /** Excluding the found one. */
  readonly arms: readonly Arm[]
}

const sizesOf = ({ setup }: Prepared, search: Search): Parameters<typeof planOf>[2] => ({
  ...search,
  arms: search.arms.length + 1,
  epochs: setup.epochs,
  images: setup.images.training,
})

/** Searches and compares. All state is in the queue. */
async function drive(
  prepared: Prepared,
  queue: Queue,
  storage: string,
  search: Search,
): Promise<Concluded | undefined> {
  const { setup, base, view, signal } = prepared
  const { seed, account, method } = search
  const bag = bagOf(base, startOf(spaceOf(base)))
  const timed = await timingOf(queue, { setup, bag, seed, signal })
  if (timed === undefined) return undefined
  const { n, ...plan } = planOf(account, account.perEpoch([timed]), sizesOf(prepared, search))
  const { epochs } = plan
  view.say(`Search     ${methods[method].title}: ${plan.text}`)
  view.say(`Comparison ${n} pairs of ${setup.epochs} epochs per augmentation, on test images\n`)
  let cpuSeconds = 0
  const onTrained = (entries: readonly Entry[]): void => {
    for (const entry of entries) cpuSeconds += metricsOf(entry)!.wallClock.cpuSeconds
  }
  const means = { ...search, queue, storage, bag, plan, signal, say: view.say, onTrained }
  const found = await methods[method].search({ ...means, setup: { ...setup, epochs } })
  if (!found) return undefined
  const arms: Arm[] = [{ name: 'found', augment: () => found.call }, ...search.arms]
  const compared = await compareArms(arms, n, {
    queue,
    setup,
    bag,
    seed,
    signal,
    onResult({ arm, trial, entry }) {
      const accuracy = scoreOf(entry)
      view.say(
        `${accuracy === null ? 'diverged' : percent(accuracy)}  ${arm.name}, seed ${trial.seed}`,
      )
    },
  })
  return compared && { ...found, compared, n, epochs, cost: { wallClock: { cpuSeconds } } }
}

/** Trains briefly with a random policy, to measure the time of an epoch. */
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
  const call = population.random(createRandom(seed).fork('timing'))
  const epochs = Math.min(2, setup.epochs)
  const more = { seed, budget: epochs, measured: 'validation' } as const
  const trial = tuneTrial('timing', augmented(bag, call), { ...setup, epochs }, more)
  const entries = await resultsOf([trial], { queue, signal })
  return entries && { epochs, seconds: metricsOf(entries[0])!.wallClock.seconds }
}
