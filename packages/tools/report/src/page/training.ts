import type { RunRecord } from '@tricks/run/record'
import { count, decimals, duration, percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { type Curves, curves, curvesOf } from './curves.ts'
import { section } from './document.ts'
import type { RunSummary } from './summary.ts'

const augmenting = ['images', 'mix', 'targets']

/** Curves of accuracy, loss and rate, and a table of epochs. */
export function training(record: RunRecord, summary: RunSummary): Html {
  const { x, length, ...all } = curvesOf(record, summary)
  const common = { x, ...(length !== undefined && { epochs: length }) }
  const both = (own: Curves['rate'], validation: Curves['rate']) => [
    { name: 'training', color: '--quiet', points: own, thin: true },
    { name: 'validation', color: '--accent', points: validation, dots: validation.length < 40 },
  ]
  const augmented = record.run.pipeline?.some(({ stage }) => augmenting.includes(stage))
  return section(
    'training',
    'Training',
    augmented
      ? 'Training metrics are measured on augmented images with mixed or smoothed targets, validation metrics on plain ones, so validation can be better.'
      : undefined,
    html`<div class="body charts">
        ${curves({
          ...common,
          id: 'accuracy',
          title: 'Accuracy',
          series: both(all.trainingAccuracy, all.validationAccuracy),
          y: { unit: ' %' },
          ...(all.validationAccuracy.length === 0 && {
            under: 'No validation images were evaluated.',
          }),
        })}${curves({
          ...common,
          id: 'loss',
          title: 'Loss',
          series: both(all.trainingLoss, all.validationLoss),
        })}${curves({
          ...common,
          id: 'rate',
          title: 'Learning rate',
          series: [{ name: 'learning rate', color: '--ink', points: all.rate }],
          y: { min: 0 },
        })}
      </div>
      ${epochTable(record)}`,
  )
}

const heads = ['Epoch', 'Rate', 'Training loss', 'accuracy', 'Validation loss', 'accuracy', 'Time']

function epochTable({ epochs }: RunRecord): Html | undefined {
  if (epochs.length === 0) return undefined
  const rows = epochs.map(({ epoch, rate, training: own, validation, wallClock }) => [
    count(epoch + 1),
    String(Number(rate.toPrecision(3))),
    decimals(own.loss),
    percent(own.accuracy),
    decimals(validation?.loss),
    percent(validation?.accuracy),
    wallClock?.seconds === undefined ? '–' : duration(wallClock.seconds),
  ])
  return html`<details id="epochs">
    <summary>Metrics of each epoch</summary>
    <div class="scroll">
      <table class="epochs">
        <thead>
          <tr>
            ${heads.map((head) => html`<th scope="col">${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`
}
