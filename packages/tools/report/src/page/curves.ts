import type { RunRecord } from '@tricks/run/record'
import { lineChart, type Series } from '../charts/line-chart.ts'
import { thinned, type Weighted } from '../charts/thinned.ts'
import { html, type Html } from '../html.ts'
import type { RunSummary } from './summary.ts'

export interface CurveChart {
  readonly id: string
  readonly title: string
  readonly series: readonly Series[]
  readonly epochs?: number
  readonly y?: { readonly min?: number; readonly max?: number; readonly unit?: string }
  readonly under?: string
  /** Whether to show a legend above the chart; by default if there are several curves. */
  readonly keys?: boolean
  /** 'step' if the length of an epoch is unknown. */
  readonly x?: string
}

/** A chart with title and legend; without points it says that nothing was recorded. */
export function curves({
  id,
  title,
  series,
  epochs,
  y,
  under,
  keys = series.length > 1,
  x = 'epoch',
}: CurveChart): Html {
  const drawn = series.filter(({ points }) => points.length > 0)
  const label = `${title} over ${x}s: ${drawn.map(({ name }) => name).join(', ')}`
  const names = drawn.map(
    ({ name, color }) => html`<span class="key" style="--color:var(${color})">${name}</span>`,
  )
  return html`<figure class="chart" id="${id}">
    <figcaption><strong>${title}</strong>${keys && names}</figcaption>
    ${
      drawn.length === 0
        ? html`<p class="absent">Nothing was recorded yet.</p>`
        : lineChart({ id: `${id}-plot`, label, series: drawn, x: { name: x, max: epochs }, y })
    }${under === undefined ? undefined : html`<p class="under">${under}</p>`}
  </figure> `
}

/** A run's metrics over epochs; accuracies in percent, memory in megabytes. */
export interface Curves {
  readonly x: string
  readonly length?: number
  readonly trainingLoss: Series['points']
  readonly validationLoss: Series['points']
  readonly trainingAccuracy: Series['points']
  readonly validationAccuracy: Series['points']
  readonly rate: Series['points']
  readonly speed: Series['points']
  readonly seconds: Series['points']
  readonly memory: Series['points']
}

export function curvesOf(
  { steps, epochs }: RunRecord,
  { stepsPerEpoch, allSteps }: RunSummary,
): Curves {
  const at = (line: { readonly steps: number }): number => line.steps / (stepsPerEpoch ?? 1)
  const ofSteps = (value: (line: RunRecord['steps'][number]) => number | undefined) =>
    thinned(
      steps.flatMap((line, i): Weighted[] => {
        const found = value(line)
        // The last line of an epoch may cover only a few steps.
        const covered = Math.max(1, line.steps - (steps[i - 1]?.steps ?? 0))
        return found !== undefined && Number.isFinite(found) ? [[at(line), found, covered]] : []
      }),
    )
  const ofEpochs = (value: (line: RunRecord['epochs'][number]) => number | undefined) =>
    epochs.flatMap((line): [number, number][] => {
      const found = value(line)
      return found !== undefined && Number.isFinite(found) ? [[at(line), found]] : []
    })
  const times = (factor: number, value: number | undefined): number | undefined =>
    value === undefined ? undefined : value * factor
  return {
    x: stepsPerEpoch === undefined ? 'step' : 'epoch',
    ...(allSteps !== undefined && { length: allSteps / (stepsPerEpoch ?? 1) }),
    trainingLoss: ofSteps(({ loss }) => loss),
    validationLoss: ofEpochs(({ validation }) => validation?.loss),
    trainingAccuracy: ofSteps(({ accuracy }) => times(100, accuracy)),
    validationAccuracy: ofEpochs(({ validation }) => times(100, validation?.accuracy)),
    rate: ofSteps(({ rate }) => rate),
    speed: ofSteps(({ wallClock }) => wallClock?.imagesPerSecond),
    seconds: ofEpochs(({ wallClock }) => wallClock?.seconds),
    memory: ofEpochs(({ wallClock }) => times(1e-6, wallClock?.memory)),
  }
}
