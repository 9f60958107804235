import type { Json } from '@tricks/core'
import { lineChart, type Series, thinned, type Weighted } from './charts.ts'
import { plainly } from './format.ts'
import { html, type Html } from './html.ts'
import type { Picture } from '@tricks/run'
import { pngUrl } from './preview-svg.ts'
import { describePlan, type PlanLine, type RunRecord } from '@tricks/run'
import { style } from './style.ts'
import type { RunSummary } from './summary.ts'

/** A page that asks the network for nothing: its browser would refuse. */
export function document(title: string, body: Html): string {
  const policy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${{ html: style }}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `
  return page.html
}

export const section = (
  id: string,
  title: string,
  note: Html | string | undefined,
  body: Html,
): Html =>
  html`<section id="${id}">
    <h2>${title}</h2>
    ${note === undefined ? undefined : html`<p>${note}</p>`}${body}
  </section> `

export const absent = (why: string): Html => html`<p class="absent body">${why}</p>`

export const notice = (kind: 'good' | 'bad' | 'going' | '', text: string): Html =>
  html`<p class="notice ${kind}">${text}</p>`

export const stateMark = ({ state }: RunSummary): Html =>
  html`<span class="state ${state.kind}">${state.word}</span>`

export const picture = (shown: Picture, alt: string): Html =>
  html`<img alt="${alt}" width="${shown.width}" height="${shown.height}" src="${pngUrl(shown)}" />`

export interface CurveChart {
  readonly id: string
  readonly title: string
  readonly series: readonly Series[]
  readonly epochs?: number
  readonly y?: { readonly min?: number; readonly max?: number; readonly unit?: string }
  readonly under?: string
  /** Whether the names of its curves stand above it; default where they don't go without saying. */
  readonly keys?: boolean
  /** Steps where epochs are not known. */
  readonly x?: string
}

/** A chart with its title and the key of its curves; without a point it says so. */
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
  const label = `${title} over the ${x}s: ${drawn.map(({ name }) => name).join(', ')}`
  return html`<figure class="chart" id="${id}">
    <figcaption>
      <strong>${title}</strong>${
        keys
          ? drawn.map(
              ({ name, color }) =>
                html`<span class="key" style="--color:var(${color})">${name}</span>`,
            )
          : undefined
      }
    </figcaption>
    ${
      drawn.length === 0
        ? html`<p class="absent">Nothing was recorded yet.</p>`
        : lineChart({ id: `${id}-plot`, label, series: drawn, x: { name: x, max: epochs }, y })
    }${under === undefined ? undefined : html`<p class="under">${under}</p>`}
  </figure> `
}

/** What a run's lines tell over the epochs: accuracies in per cent. */
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
        // A line at an epoch's end may be about a few steps only.
        const about = Math.max(1, line.steps - (steps[i - 1]?.steps ?? 0))
        return found !== undefined && Number.isFinite(found) ? [[at(line), found, about]] : []
      }),
    )
  const ofEpochs = (value: (line: RunRecord['epochs'][number]) => number | undefined) =>
    epochs.flatMap((line): [number, number][] => {
      const found = value(line)
      return found !== undefined && Number.isFinite(found) ? [[at(line), found]] : []
    })
  const percentOf = (share: number | undefined): number | undefined =>
    share === undefined ? undefined : share * 100
  return {
    x: stepsPerEpoch === undefined ? 'step' : 'epoch',
    ...(allSteps !== undefined && { length: allSteps / (stepsPerEpoch ?? 1) }),
    trainingLoss: ofSteps(({ loss }) => loss),
    validationLoss: ofEpochs(({ validation }) => validation?.loss),
    trainingAccuracy: ofSteps(({ accuracy }) => percentOf(accuracy)),
    validationAccuracy: ofEpochs(({ validation }) => percentOf(validation?.accuracy)),
    rate: ofSteps(({ rate }) => rate),
    speed: ofSteps(({ wallClock }) => wallClock?.imagesPerSecond),
    seconds: ofEpochs(({ wallClock }) => wallClock?.seconds),
    memory: ofEpochs(({ wallClock }) =>
      wallClock?.memory === undefined ? undefined : wallClock.memory / 1e6,
    ),
  }
}

/** A text of run.json; undefined where there is none. */
export const textOf = ({ run }: RunRecord, name: string): string | undefined =>
  typeof run[name] === 'string' ? run[name] : undefined

/** The tricks as they ran: stage, name, and options with what they hand over to. */
export const tricksOf = ({ run }: RunRecord): PlanLine[] => describePlan(run.pipeline ?? [])

/** What run.json tells of a run's making, a line a setting: what it ended with is left out. */
export function settingsOf({ run }: RunRecord): [string, string][] {
  const results = [
    'state',
    'error',
    'skipped',
    'test',
    'epochs',
    'mean',
    'deviation',
    'wallClock',
    'pipeline',
    'classes',
    'command',
  ]
  const names = Object.keys(run).filter((name) => !results.includes(name))
  return names.flatMap((name) => flatten(name, run[name] as Json))
}

function flatten(name: string, value: Json | undefined): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .flatMap(([child, each]) => flatten(`${name} · ${child}`, each as Json))
  return [[name, shortened(plainly(value))]]
}

/** Of a hash its first dozen of digits. */
const shortened = (text: string): string => text.replace(/\b([0-9a-f]{12})[0-9a-f]{28,}/, '$1…')

export function classNames({ run, test }: RunRecord): string[] {
  const names = Array.isArray(run['classes']) ? run['classes'].map(String) : []
  const count = test ? test.logits.length / test.labels.length : 0
  return Array.from({ length: Math.max(names.length, count) }, (_, i) => names[i] ?? `class ${i}`)
}
