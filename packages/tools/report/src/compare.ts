import { bytes, count, decimals, duration, percent } from './format.ts'
import { html, type Html } from './html.ts'
import {
  absent,
  classNames,
  type Curves,
  curves,
  curvesOf,
  document,
  notice,
  section,
  settingsOf,
  stateMark,
  textOf,
  tricksOf,
} from './parts.ts'
import type { RunRecord } from '@tricks/run'
import { classAccuracies, confusionMatrix } from '@tricks/run'
import { type RunSummary, summaryOf } from './summary.ts'

interface Compared {
  readonly record: RunRecord
  readonly summary: RunSummary
  readonly curves: Curves
  readonly color: string
}

const colors = 8

/**
 * Two or more runs in one page: their figures, their curves in one picture, and where their configurations differ.
 * They may have failed, or be going on.
 *
 * @throws RangeError for fewer than two runs
 * @example
 * const runs = await Promise.all(['runs/1', 'runs/2'].map((path) => readRunFolder(path)))
 * writeFileSync('comparison.html', comparisonPage(runs))
 */
export function comparisonPage(records: readonly RunRecord[]): string {
  if (records.length < 2)
    throw new RangeError(`report: expected two or more runs to compare, got ${records.length}`)
  const runs = records.map((record, i): Compared => {
    const summary = summaryOf(record)
    return { record, summary, curves: curvesOf(record, summary), color: `--run-${i % colors}` }
  })
  const body = html`${head(runs)}${figures(runs)}${training(runs)}${differences(runs)}${classes(runs)}${commands(runs)}`
  return document(`${records.length} runs`, body)
}

const swatch = (color: string): Html =>
  html`<span class="swatch" style="--color:var(${color})"></span>`

function head(runs: readonly Compared[]): Html {
  const scored = runs.filter(({ summary }) => summary.test)
  const best = scored.reduce<Compared | undefined>(
    (found, run) =>
      found && found.summary.test!.accuracy >= run.summary.test!.accuracy ? found : run,
    undefined,
  )
  const [first, second] = scored
    .map(({ summary }) => summary.test!.accuracy)
    .toSorted((a, b) => b - a)
  const ahead =
    second === undefined ? '' : `, ${((first! - second) * 100).toFixed(2)} points ahead of the next`
  return html`<header class="hero">
      <div>
        <p class="name">${runs.length} runs</p>
        ${
          best
            ? html`<h1>${(best.summary.test!.accuracy * 100).toFixed(2)}<small>%</small></h1>
                <p class="lead">
                  of the test images are right in the best, ${best.record.name}${ahead}.
                </p>`
            : html`<h1 class="words">No test accuracy yet</h1>
                <p class="lead">In none of the runs were the test images looked at.</p>`
        }
      </div>
    </header>
    ${scored.length > 1 && html`<p class="notice">One seed each is one draw: a difference of a point may be chance. Compare means over several seeds before you believe it.</p>`} `
}

function figures(runs: readonly Compared[]): Html {
  const columns: [
    string,
    (run: Compared) => number | undefined,
    (value: number) => string,
    1 | -1 | 0,
  ][] = [
    ['Test', ({ summary }) => summary.test?.accuracy, percent, 1],
    ['Test loss', ({ summary }) => summary.test?.loss, decimals, -1],
    ['Best validation', ({ summary }) => summary.best?.validation?.accuracy, percent, 1],
    ['Calibration error', ({ summary }) => summary.calibrationError, percent, -1],
    ['Steps', ({ summary }) => summary.steps, count, 0],
    ['Training time', ({ summary }) => summary.seconds, duration, 0],
    ['Peak memory', ({ summary }) => summary.memory, bytes, 0],
  ]
  const bests = columns.map(([, valueOf, , sign]) => {
    const values = runs.map(valueOf).filter((value) => value !== undefined)
    return sign === 0 || values.length < 2
      ? undefined
      : sign * Math.max(...values.map((value) => sign * value))
  })
  const problems = runs.flatMap(({ record }) => [
    ...(record.state === 'failed'
      ? [`${record.name} failed: ${textOf(record, 'error') ?? 'no reason was recorded'}`]
      : []),
    ...record.damage.map((what) => `${record.name}: ${what}`),
  ])
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
              ${columns.map(([name]) => html`<th scope="col" class="number">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${runs.map(
              (run) =>
                html`<tr>
                  <td>${swatch(run.color)}${run.record.name}</td>
                  <td>${stateMark(run.summary)}</td>
                  ${columns.map(([, valueOf, show], i) => {
                    const value = valueOf(run)
                    return html`<td
                      class="number${value !== undefined && value === bests[i] && ' best'}"
                    >
                      ${value === undefined ? '–' : show(value)}
                    </td>`
                  })}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${problems.map((what) => notice('bad', what))}`,
  )
}

function training(runs: readonly Compared[]): Html {
  const x = runs.every(({ curves: { x: unit } }) => unit === 'epoch') ? 'epoch' : 'step'
  const of = (name: Exclude<keyof Curves, 'x' | 'length'>, dots = false) =>
    runs.map(({ record, color, curves: own }) => ({
      name: record.name,
      color,
      points: own[name],
      dots: dots && own[name].length < 40,
    }))
  // As far as any has come: what a run cut short had planned would squeeze the others into a corner.
  const reached = runs.map(({ summary: { steps, stepsPerEpoch = 1 } }) => steps / stepsPerEpoch)
  const common = { x, epochs: Math.max(1, Math.ceil(Math.max(...reached))), keys: false }
  return section(
    'training',
    'Training',
    undefined,
    html`<ul class="keys">
        ${runs.map(({ record, color }) => html`<li>${swatch(color)}${record.name}</li>`)}
      </ul>
      <div class="body charts">
        ${curves({ ...common, id: 'accuracy', title: 'Validation accuracy', series: of('validationAccuracy', true), y: { unit: ' %' } })}${curves({ ...common, id: 'loss', title: 'Training loss', series: of('trainingLoss') })}${curves({ ...common, id: 'rate', title: 'Learning rate', series: of('rate'), y: { min: 0 } })}
      </div>`,
  )
}

const described = ({ stage, name, options }: ReturnType<typeof tricksOf>[number]) =>
  [`${stage} · ${name}`, options || 'yes'] as const

function differences(runs: readonly Compared[]): Html {
  const settings = runs.map(
    ({ record }) => new Map([...settingsOf(record), ...tricksOf(record).map(described)]),
  )
  const names = [...new Set(settings.flatMap((each) => [...each.keys()]))]
  const different = names.filter(
    (name) => new Set(settings.map((each) => each.get(name) ?? '–')).size > 1,
  )
  return section(
    'differences',
    'What differs',
    different.length > 0
      ? 'Of the configurations; what they have in common is left out.'
      : undefined,
    different.length === 0
      ? absent('Nothing: their configurations are the same.')
      : html`<div class="scroll">
          <table class="differences">
            <thead>
              <tr>
                <th></th>
                ${runs.map(({ record, color }) => html`<th scope="col">${swatch(color)}${record.name}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${different.map(
                (name) =>
                  html`<tr>
                    <th scope="row">${name}</th>
                    ${settings.map((each) => html`<td>${each.get(name) ?? '–'}</td>`)}
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`,
  )
}

function classes(runs: readonly Compared[]): Html {
  const tested = runs.flatMap((run) => (run.record.test ? [{ ...run, test: run.record.test }] : []))
  if (tested.length === 0)
    return section('classes', 'Classes', undefined, absent('No run has looked at the test images.'))
  const tables = tested.map(({ test }) => classAccuracies(confusionMatrix(test)))
  const names = classNames(tested[0]!.record)
  return section(
    'classes',
    'Accuracy of each class',
    undefined,
    html`<div class="scroll">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">Class</th>
            ${tested.map(({ record, color }) => html`<th scope="col" class="number">${swatch(color)}${record.name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${names.map((name, c) => {
            const values = tables.map((table) => table[c]?.accuracy)
            const best = Math.max(...values.map((value) => value ?? 0))
            return html`<tr>
              <td>${name}</td>
              ${values.map((value) => html`<td class="number${tested.length > 1 && value === best && ' best'}">${percent(value, 1)}</td>`)}
            </tr>`
          })}
        </tbody>
      </table>
    </div>`,
  )
}

function commands(runs: readonly Compared[]): Html {
  const known = runs.filter(({ record }) => textOf(record, 'command') !== undefined)
  return section(
    'again',
    'Run them again',
    undefined,
    known.length === 0
      ? absent('No command was recorded.')
      : html`<div class="body">
          ${known.map(
            ({ record, color }) =>
              html`<div class="group">
                <h3>${swatch(color)}${record.name}</h3>
                <pre><code>${textOf(record, 'command')}</code></pre>
              </div>`,
          )}
        </div>`,
  )
}
