import type { RunRecord } from '@tricks/run/record'
import { html, type Html } from '../html.ts'
import { type Curves, curves, curvesOf } from '../page/curves.ts'
import { absent, document, section } from '../page/document.ts'
import { summaryOf } from '../page/summary.ts'
import { classes } from './classes.ts'
import { type Compared, swatch } from './compared.ts'
import { differences } from './differences.ts'
import { head, runTable } from './results.ts'

const colors = 8

/**
 * Compares two or more runs on one page: results, curves in shared charts, and differences in configuration. Runs may
 * have failed, or be running.
 *
 * @param records from `readRunFolder` or `parseRun` of `@tricks/run`
 * @throws RangeError for fewer than two runs
 * @example
 * writeFileSync('comparison.html', comparisonPage(['runs/1', 'runs/2'].map(readRunFolder)))
 */
export function comparisonPage(records: readonly RunRecord[]): string {
  if (records.length < 2)
    throw new RangeError(`report: expected two or more runs to compare, got ${records.length}`)
  const runs = records.map((record, i): Compared => {
    const summary = summaryOf(record)
    return { record, summary, curves: curvesOf(record, summary), color: `--run-${i % colors}` }
  })
  const body = html`${head(runs)}${runTable(runs)}${training(runs)}${differences(runs)}${classes(runs)}${commands(runs)}`
  return document(`${records.length} runs`, body)
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
  // Up to the longest run's current epoch: the planned length of a stopped run would squeeze the others into a corner.
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

function commands(runs: readonly Compared[]): Html {
  const known = runs.filter(({ record }) => record.run.command !== undefined)
  return section(
    'again',
    'Commands',
    undefined,
    known.length === 0
      ? absent('The commands were not recorded.')
      : html`<div class="body">
          ${known.map(
            ({ record, color }) =>
              html`<div class="group">
                <h3>${swatch(color)}${record.name}</h3>
                <pre><code>${record.run.command}</code></pre>
              </div>`,
          )}
        </div>`,
  )
}
