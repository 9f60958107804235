import { bytes, count, decimals, duration, percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { notice, section, stateMark } from '../page/document.ts'
import type { Result } from '../page/summary.ts'
import { type Compared, swatch } from './compared.ts'

/** The best result. Test accuracies are only compared with each other, as are validation accuracies. */
export function head(runs: readonly Compared[]): Html {
  const resultsOf = (set: Result['set']): (readonly [string, number])[] =>
    runs
      .flatMap(({ record, summary: { result } }) =>
        result?.set === set ? [[record.name, result.accuracy] as const] : [],
      )
      .toSorted(([, a], [, b]) => b - a)
  const tested = resultsOf('test')
  const [set, results] =
    tested.length > 0 ? ['test', tested] : ['validation', resultsOf('validation')]
  const [best, second] = results
  const ahead = second
    ? `, ${((best![1] - second[1]) * 100).toFixed(2)} points ahead of the next`
    : ''
  return html`<header class="hero">
      <div>
        <p class="name">${runs.length} runs</p>
        ${
          best
            ? html`<h1>${(best[1] * 100).toFixed(2)}<small>%</small></h1>
                <p class="lead">Best ${set} accuracy: ${best[0]}${ahead}.</p>`
            : html`<h1 class="words">No test accuracy yet</h1>
                <p class="lead">Results are recorded at the end of a run.</p>`
        }
      </div>
    </header>
    ${results.length > 1 && html`<p class="notice">One seed per run: a difference of a point may be chance. Compare means over several seeds.</p>`} `
}

interface Column {
  readonly name: string
  readonly valueOf: (run: Compared) => number | undefined
  readonly show: (value: number) => string
  /** Whether a higher value is better (1), a lower one (−1), or neither. */
  readonly sign: 1 | -1 | 0
}

const column = (
  name: string,
  sign: Column['sign'],
  show: Column['show'],
  valueOf: Column['valueOf'],
): Column => ({ name, sign, show, valueOf })

const resultOf = ({ summary }: Compared, set: Result['set']): Result | undefined =>
  summary.result?.set === set ? summary.result : undefined

const columns: readonly Column[] = [
  column('Test', 1, percent, (run) => resultOf(run, 'test')?.accuracy),
  column('Test loss', -1, decimals, (run) => resultOf(run, 'test')?.loss),
  column('Best validation', 1, percent, ({ summary }) => summary.best?.validation?.accuracy),
  column('Calibration error', -1, percent, ({ summary }) => summary.calibrationError),
  column('Steps', 0, count, ({ summary }) => summary.steps),
  column('Training time', 0, duration, ({ summary }) => summary.seconds),
  column('Peak memory', 0, bytes, ({ summary }) => summary.memory),
]

/** A table of the runs' metrics, with the best value per column highlighted, and errors. */
export function runTable(runs: readonly Compared[]): Html {
  const shown = columns.filter(({ valueOf }) => runs.some((run) => valueOf(run) !== undefined))
  const bests = shown.map(({ valueOf, sign }) => {
    const values = runs.map(valueOf).filter((value) => value !== undefined)
    return sign === 0 || values.length < 2
      ? undefined
      : sign * Math.max(...values.map((value) => sign * value))
  })
  const problems = runs.flatMap(({ record: { name, state, run, damage } }) => [
    ...(state === 'failed' ? [`${name} failed: ${run.error ?? 'no reason was recorded'}`] : []),
    ...damage.map((what) => `${name}: ${what}`),
  ])
  const row = (run: Compared): Html =>
    html`<tr>
      <td>${swatch(run.color)}${run.record.name}</td>
      <td>${stateMark(run.summary.state)}</td>
      ${shown.map(({ valueOf, show }, i) => {
        const value = valueOf(run)
        const best = value !== undefined && value === bests[i]
        return html`<td class="number${best && ' best'}">
          ${value === undefined ? '–' : show(value)}
        </td>`
      })}
    </tr>`
  return section(
    'runs',
    'Runs',
    undefined,
    html`<div class="scroll">
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">State</th>
              ${shown.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${runs.map(row)}
          </tbody>
        </table>
      </div>
      ${problems.map((what) => notice('bad', what))}`,
  )
}
