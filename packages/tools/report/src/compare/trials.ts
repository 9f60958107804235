import { decimals, duration, percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { curves } from '../page/curves.ts'
import { document, notice, section, stateMark } from '../page/document.ts'
import { swatch } from './compared.ts'

/** A trial of an experiment, as a row of its page. */
export interface TrialRow {
  readonly name: string
  readonly state: 'waiting' | 'running' | 'finished' | 'failed'
  readonly seed: number
  /** How long it is trained, in its kind's unit. */
  readonly budget: number
  /** From 0 to 1. */
  readonly progress?: number
  /** In [0, 1]; absent if it isn't known, or if the training diverged. */
  readonly accuracy?: number
  readonly loss?: number
  readonly seconds?: number
  readonly error?: string
}

const colors = 8
const stateKinds = { finished: 'good', failed: 'bad', running: 'going', waiting: 'odd' } as const

/**
 * Compares the trials of an experiment on one page: the best accuracy so far for each length of training, and a table of all,
 * best first.
 *
 * @param name of the experiment: its folder or address
 * @param trials in the order in which they were added
 * @example
 * const trial = { name: 'cutout', state: 'finished', seed: 0, budget: 40, accuracy: 0.63 } as const
 * const page = trialsPage('runs/ablation', [trial])
 */
export function trialsPage(name: string, trials: readonly TrialRow[]): string {
  const budgets = [...new Set(trials.map(({ budget }) => budget))].toSorted((a, b) => b - a)
  const colorOf = (budget: number): string => `--run-${budgets.indexOf(budget) % colors}`
  const body = html`${head(name, trials)}${progress(trials, budgets, colorOf)}${table(trials, colorOf)}`
  return document(name, body)
}

const better = (a: TrialRow, b: TrialRow): number => (b.accuracy ?? -1) - (a.accuracy ?? -1)

function head(name: string, trials: readonly TrialRow[]): Html {
  const longest = Math.max(
    ...trials.flatMap((trial) => (trial.accuracy === undefined ? [] : trial.budget)),
  )
  const [best] = trials.filter(({ budget }) => budget === longest).toSorted(better)
  const states = (Object.keys(stateKinds) as TrialRow['state'][]).flatMap((state) => {
    const count = trials.filter((trial) => trial.state === state).length
    return count === 0 ? [] : [`${count} ${state}`]
  })
  return html`<header class="hero">
    <div>
      <p class="name">${name}</p>
      ${
        best
          ? html`<h1>${(best.accuracy! * 100).toFixed(2)}<small>%</small></h1>
              <p class="lead">
                Best accuracy of those trained longest: ${best.name}, seed ${best.seed}.
              </p>`
          : html`<h1 class="words">No accuracy yet</h1>`
      }
      <p class="lead">${trials.length} trials: ${states.join(', ') || 'none'}.</p>
    </div>
  </header> `
}

function progress(
  trials: readonly TrialRow[],
  budgets: readonly number[],
  colorOf: (budget: number) => string,
): Html {
  const series = budgets.slice(0, colors).map((budget) => {
    let best = 0
    const points = trials.flatMap((trial, i): [number, number][] => {
      if (trial.budget !== budget || trial.accuracy === undefined) return []
      best = Math.max(best, trial.accuracy)
      return [[i + 1, best * 100]]
    })
    return {
      name: `trained for ${budget}`,
      color: colorOf(budget),
      points,
      dots: points.length < 40,
    }
  })
  return section(
    'progress',
    'Progress',
    undefined,
    html`<div class="body charts">
      ${curves({ id: 'best', title: 'Best accuracy so far', series, epochs: Math.max(1, trials.length), x: 'trial', y: { unit: ' %' } })}
    </div>`,
  )
}

function table(trials: readonly TrialRow[], colorOf: (budget: number) => string): Html {
  const sorted = trials.toSorted((a, b) => b.budget - a.budget || better(a, b))
  const row = (trial: TrialRow): Html =>
    html`<tr>
      <td>${swatch(colorOf(trial.budget))}${trial.name}</td>
      <td>${stateMark({ word: wordOf(trial), kind: stateKinds[trial.state] })}</td>
      <td class="number">${trial.budget}</td>
      <td class="number">${trial.seed}</td>
      <td class="number">${percent(trial.accuracy)}</td>
      <td class="number">${decimals(trial.loss)}</td>
      <td class="number">${trial.seconds === undefined ? '–' : duration(trial.seconds)}</td>
    </tr>`
  const failed = trials.filter(({ error }) => error !== undefined)
  return section(
    'trials',
    'Trials',
    undefined,
    html`<div class="scroll">
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">Trial</th>
              <th scope="col">State</th>
              <th scope="col" class="number">Trained for</th>
              <th scope="col" class="number">Seed</th>
              <th scope="col" class="number">Accuracy</th>
              <th scope="col" class="number">Loss</th>
              <th scope="col" class="number">Time</th>
            </tr>
          </thead>
          <tbody>
            ${sorted.map(row)}
          </tbody>
        </table>
      </div>
      ${failed.map(({ name, seed, error }) => notice('bad', `${name}, seed ${seed}: ${error}`))}`,
  )
}

const wordOf = ({ state, progress: share }: TrialRow): string =>
  state === 'running' && share !== undefined ? `${Math.round(share * 100)} %` : state
