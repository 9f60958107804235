import type { RunRecord } from '@tricks/run/record'
import { bytes, count, counted, decimals, duration, percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { stateMark } from './document.ts'
import { wilsonInterval } from './interval.ts'
import type { RunSummary } from './summary.ts'

/** The result and the key numbers of a run. */
export function hero(record: RunRecord, summary: RunSummary): Html {
  const { settings, seed } = record.run
  const about = [record.name, settings?.recipe, seed === undefined ? undefined : `seed ${seed}`]
  return html`<header class="hero">
    <div>
      <p class="name">
        ${stateMark(summary.state)}<span>${[...new Set(about)].filter(Boolean).join(' · ')}</span>
      </p>
      ${result(record, summary)}
    </div>
    <dl class="facts">
      ${factsOf(record, summary).map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </header> `
}

function result({ run }: RunRecord, { result: found, best, steps }: RunSummary): Html {
  const untested =
    run.data?.testImages === 0
      ? 'The data has no test images.'
      : 'The test images are evaluated at the end of a run.'
  if (found) {
    const { accuracy, images } = found
    const what = found.set === 'test' ? 'Test accuracy' : 'Validation accuracy'
    const lead = `${what}${images === undefined ? '' : onImages(accuracy, images)}.`
    return headline(accuracy, found.set === 'test' ? lead : `${lead} ${untested}`)
  }
  if (best) {
    const images = run.validation ? ` on ${counted(run.validation, 'image')}` : ''
    const after = `after epoch ${best.epoch + 1}`
    return headline(
      best.validation!.accuracy,
      `Best validation accuracy${images}, ${after}. ${untested}`,
    )
  }
  return html`<h1 class="words">No accuracy yet</h1>
    <p class="lead">
      ${steps > 0 ? `${counted(steps, 'step')} done, without an evaluation.` : 'No steps were recorded.'}
    </p>`
}

/** The confidence interval of the accuracy, which is wide with few images. */
function onImages(accuracy: number, images: number): string {
  const [low, high] = wilsonInterval(accuracy, images).map((share) => (share * 100).toFixed(1))
  return ` on ${counted(images, 'image')}; 95\u202f% interval ${low} to ${high}\u202f%`
}

const headline = (accuracy: number, lead: string): Html =>
  html`<h1>${(accuracy * 100).toFixed(2)}<small>%</small></h1>
    <p class="lead">${lead}</p>`

function factsOf({ run }: RunRecord, summary: RunSummary): [string, Html | string][] {
  const { result: found, best, steps, allSteps, seconds, imagesPerSecond, memory } = summary
  const { calibrationError, state } = summary
  const optional = <T>(
    name: string,
    value: T | undefined,
    show: (value: T) => Html | string,
  ): [string, Html | string][] => (value === undefined ? [] : [[name, show(value)]])
  const planned = state.kind !== 'good' && allSteps !== undefined && allSteps !== steps
  return [
    ...optional(found?.set === 'test' ? 'Test loss' : 'Validation loss', found, ({ loss }) =>
      decimals(loss),
    ),
    [
      'Best validation',
      best ? html`${percent(best.validation!.accuracy)} <span>epoch ${best.epoch + 1}</span>` : '–',
    ],
    ...optional('Calibration error', calibrationError, percent),
    ['Steps', html`${count(steps)}${planned && html` <span>of ${count(allSteps)}</span>`}`],
    ['Training time', seconds === undefined ? '–' : duration(seconds)],
    [
      'Speed',
      imagesPerSecond === undefined
        ? '–'
        : html`${count(Math.round(imagesPerSecond))} <span>images/s</span>`,
    ],
    ['Peak memory', memory === undefined ? '–' : bytes(memory)],
    ...optional(
      'Parameters',
      run.parameters,
      (parameters) => html`${count(parameters)} <span>${run.model}</span>`,
    ),
  ]
}
