import { createRandom, type Json } from '@tricks/core'
import { type Entry, forget, type Queue, settle, type Trial, trialOf } from '@tricks/trials'
import {
  type Configuration,
  historyOf,
  nextTraining,
  rungBudgets,
  type Training,
} from '@tricks/tune'
import type { Bag } from './bag.ts'
import type { Base } from './base.ts'
import { type Account, type Spent } from './budget.ts'
import { bagOf, drawNear, keptShare, type Searched, startOf } from './space.ts'
import type { TuneSetup } from './setup.ts'
import { pausedLength, type TuneConfig, type TuneMetrics } from './trial.ts'

/** The inputs of a search. */
export interface Search {
  readonly queue: Queue
  /** The folder of the trials' checkpoints. */
  readonly storage: string
  readonly setup: TuneSetup
  readonly base: Base
  readonly searched: Searched
  readonly account: Account
  readonly seed: number
  /** Number of trials trained at once. */
  readonly processes: number
  readonly signal: AbortSignal
  /** Called with each trial once, when its result is used. */
  readonly onResult: (trained: Trained) => void
}

/** A trial of a search, with its result. */
export interface Trained {
  readonly trial: Trial
  readonly name: string
  readonly stage: 'timing' | 'search' | 'finalists' | 'parts' | 'comparison'
  readonly configuration: Configuration
  readonly epochs: number
  readonly candidate?: number
  readonly entry?: Entry
}

/** The search's share of the budget; the rest is for the comparison with fresh seeds. */
const searchShare = 0.6
/** Number of first candidates, drawn near the recipe before any is proposed from results. */
const nearby = 16
/** The best third of each rung's candidates advance. */
const factor = 3
/**
 * A decision ignores the results of the last few trials per process, whether or not they are known. So it doesn't depend on
 * which trial was faster, and no process waits.
 */
const lagPerProcess = 4
/** The smallest budget, in whole runs, that suffices for the search and the comparison. */
export const fewestRuns = 10

/** Epochs of each rung. A shorter first rung would favour candidates without augmentation, whose benefit comes late. */
export function rungsOf(epochs: number): number[] {
  const budgets = rungBudgets({ smallest: Math.max(1, epochs / factor), largest: epochs, factor })
  return [...new Set(budgets.map(Math.round))]
}

export const scoreOf = (entry: Entry | undefined): number | null =>
  metricsOf(entry)?.accuracy ?? null

/** The metrics of a finished trial. */
export const metricsOf = (entry: Entry | undefined): TuneMetrics | undefined =>
  entry?.outcome?.metrics as TuneMetrics | undefined

/** A trial of a bag of tricks. */
export function tuneTrial(
  arm: string,
  bag: Bag,
  setup: TuneSetup,
  more: Pick<Trial, 'seed' | 'budget'> &
    Pick<Partial<Trial>, 'from'> &
    Pick<TuneConfig, 'measured' | 'pause' | 'fold'>,
): Trial {
  const { measured, pause, fold, ...rest } = more
  const config = {
    arm,
    bag,
    setup,
    measured,
    ...(pause !== undefined && { pause }),
    ...(fold !== undefined && { fold }),
  } as unknown as Json
  return trialOf({ kind: 'tune', config, ...rest })
}

type Decision = Training & Trained

/** The cost of a run that resumes from the previous rung. */
export function spentOf({ epochs, entry }: Trained): Spent {
  const { seconds } = metricsOf(entry)?.wallClock ?? {}
  return { epochs, ...(seconds !== undefined && { seconds }) }
}

/**
 * Trains candidates until the search's share of the budget is used. The next run depends on earlier results alone,
 * so a killed search is continued from the trials in the queue.
 *
 * @returns the trials, in the order of the decisions
 * @throws Error if the budget is too small, or the recipe itself can't be trained
 */
export async function search(options: Search): Promise<readonly Decision[]> {
  const { queue, setup, base, searched, account, seed, signal, onResult } = options
  const budgets = rungsOf(setup.epochs)
  const lag = lagPerProcess * options.processes
  const random = createRandom(seed).fork('tune')
  const near = Array.from({ length: nearby }, (_, i) =>
    drawNear(searched, random.fork('near').at(i)),
  )
  const first = [startOf(searched), ...near]
  const decisions: Decision[] = []
  const removed = new Set<string>()

  const decide = async (): Promise<void> => {
    const given = decisions.map(({ entry, ...each }) =>
      entry ? { ...each, score: scoreOf(entry) } : each,
    )
    const training = nextTraining(given, {
      space: searched.space,
      rungs: budgets.length,
      factor,
      first,
      keep: keptShare,
      random: random.fork('candidates'),
    })
    const { candidate, rung, configuration } = training
    const budget = budgets[rung]!
    const before = decisions.find((each) => each.candidate === candidate && each.rung === rung - 1)
    const name = `candidate ${candidate}, ${budget} of ${setup.epochs} epochs`
    const trial = tuneTrial(name, bagOf(base, configuration), setup, {
      seed,
      budget,
      measured: 'validation',
      ...(before && { from: before.trial.id }),
    })
    const epochs = pausedLength(budget, setup.epochs) - (budgets[rung - 1] ?? 0)
    decisions.push({ ...training, trial, name, stage: 'search', epochs })
    await queue.add([trial])
  }
  const learn = async (index: number): Promise<void> => {
    const decision = decisions[index]
    if (!decision || decision.entry) return
    const [entry] = await settle(queue, [decision.trial], { signal })
    if (!entry) return
    const learned = { ...decision, entry }
    decisions[index] = learned
    onResult(learned)
    for (const { trial } of obsolete(decisions))
      if (!removed.has(trial.id)) {
        removed.add(trial.id)
        forget(options.storage, trial.id)
      }
  }

  await decide()
  await learn(0)
  if (signal.aborted) return decisions
  checkFirst(decisions[0]!, options)
  while (!signal.aborted && account.spentOn(decisions.map(spentOf)) < searchShare * account.total) {
    await decide()
    await learn(decisions.length - lag)
  }
  for (const index of decisions.keys()) await learn(index)
  return decisions
}

function checkFirst({ entry, ...first }: Decision, { setup, account, processes }: Search): void {
  if (entry!.state === 'failed')
    throw new Error(`tune: the recipe can't be trained: ${entry!.error}`)
  if (scoreOf(entry) === null)
    throw new Error('tune: the recipe itself diverges. Lower its learning rate.')
  const perEpoch = account.perEpoch([spentOf({ ...first, entry: entry! })])
  const needed = fewestRuns * setup.epochs * perEpoch
  if (needed <= account.total) return
  throw new Error(
    `tune: expected --budget to be at least ${account.text(needed, processes)}, ${fewestRuns} runs of ` +
      `${setup.epochs} epochs, got ${account.text(account.total, processes)}. Use a larger budget, or fewer --epochs or --images.`,
  )
}

/**
 * Trials whose checkpoints are no longer needed: the candidate was promoted, or is in the worse half of its rung. If
 * one of the latter is promoted after all, it is trained from the beginning.
 */
export function obsolete(decisions: readonly Decision[]): Decision[] {
  const settled = decisions.filter(({ entry }) => entry !== undefined)
  const furthest = new Map<number, number>()
  for (const { candidate, rung } of settled)
    furthest.set(candidate, Math.max(rung, furthest.get(candidate) ?? 0))
  const rank = (one: Decision): number =>
    settled.filter(
      (other) =>
        other.rung === one.rung && (scoreOf(other.entry) ?? -1) > (scoreOf(one.entry) ?? -1),
    ).length
  const sizeOf = (of: number): number => settled.filter(({ rung }) => rung === of).length
  return settled.filter(
    (each) =>
      furthest.get(each.candidate)! > each.rung ||
      (sizeOf(each.rung) >= 2 * factor && rank(each) >= sizeOf(each.rung) / 2),
  )
}

/** Candidates that did not fail, best first: by their highest rung, then by their accuracy on it, then by their loss. */
export function ranking(
  decisions: readonly Decision[],
): { candidate: number; configuration: Configuration }[] {
  const given = decisions.map(({ entry, ...each }) => {
    const accuracy = scoreOf(entry)
    // Less than one image in a million.
    const loss = 1e-7 * Math.min(metricsOf(entry)?.loss ?? 10, 10)
    return { ...each, score: accuracy === null ? null : accuracy - loss }
  })
  const numbers = [...new Set(given.map(({ candidate }) => candidate))]
  return historyOf(given)
    .map(({ configuration, score }, i) => ({
      candidate: numbers[i]!,
      configuration,
      score: score!,
    }))
    .filter(({ score }) => score > -1)
    .toSorted((a, b) => b.score - a.score)
}
