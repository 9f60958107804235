import { percent, type ProgressView } from '@tricks/run'
import type { Queue } from '@tricks/trials'
import type { Account } from './budget.ts'
import { isKept } from './bag.ts'
import { metricsOf, rungsOf, spentOf, type Trained } from './search.ts'
import type { TuneSetup } from './setup.ts'
import type { TuneConfig } from './trial.ts'

/** Milliseconds between updates of the running trials. */
const every = 2000

/** One view of all trials: a line for each result, and below them a line about the running ones. */
export function follow(
  queue: Queue,
  {
    view,
    setup,
    account,
    processes,
  }: {
    readonly view: ProgressView
    readonly setup: TuneSetup
    readonly account: Account
    readonly processes: number
  },
): { result(trained: Trained, all: readonly Trained[]): void; end(): void } {
  let known: readonly Trained[] = []
  let looking = false
  const look = async (): Promise<void> => {
    if (looking) return
    looking = true
    try {
      const entries = await queue.list()
      const running = entries.filter(({ state }) => state === 'running')
      const waiting = entries.filter(({ state }) => state === 'waiting').length
      const parts = running.map(({ trial, progress = 0 }) => {
        const { arm } = trial.config as unknown as { readonly arm: string }
        return `${arm.replace(/, \d+ of \d+ epochs/, '')} ${Math.round(progress * 100)} %`
      })
      const spent = account.spentOn(known.map(spentOf))
      view.status(
        `${account.text(spent, processes)} of ${account.text(account.total, processes)}: ` +
          `${known.length} trained, ${waiting} waiting, running ${parts.join(', ') || 'none'}${bestText(known, setup)}`,
      )
    } catch {
      // The driver reports an unreachable server.
    } finally {
      looking = false
    }
  }
  const timer = setInterval(() => void look(), every)
  return {
    result(trained, all) {
      known = all
      view.say(lineOf(trained))
    },
    end: () => clearInterval(timer),
  }
}

function lineOf({ name, stage, entry, trial }: Trained): string {
  const accuracy = metricsOf(entry)?.accuracy
  const result =
    entry?.state === 'failed'
      ? `failed: ${entry.error}`
      : accuracy === null || accuracy === undefined
        ? 'diverged'
        : percent(accuracy)
  const { bag } = trial.config as unknown as TuneConfig
  const tricks = bag.tricks.map((part) => (isKept(part) ? part.kept : part.name)).join(', ')
  const what = stage === 'search' ? name : `${stage}: ${name}, seed ${trial.seed}`
  return `${result.padStart(8)}  ${what}${stage === 'search' ? `: ${tricks || 'no tricks'}` : ''}`
}

/** The best among the longest runs so far. */
function bestText(known: readonly Trained[], { epochs }: TuneSetup): string {
  const searched = known.filter(({ stage }) => stage === 'search')
  for (const budget of rungsOf(epochs).toReversed()) {
    const scores = searched.flatMap((each) =>
      each.trial.budget === budget ? (metricsOf(each.entry)?.accuracy ?? []) : [],
    )
    if (scores.length > 0) return `; best ${percent(Math.max(...scores))} after ${budget} epochs`
  }
  return ''
}
