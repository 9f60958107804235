import { type Bin, calibration, type RunRecord } from '@tricks/run/record'
import { reliabilityDiagram } from '../charts/reliability.ts'
import { percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { absent, section } from './document.ts'
import { evaluatedOf, whyUnevaluated } from './evaluated.ts'

/** Compares the network's confidence with its accuracy. */
export function calibrationSection(record: RunRecord): Html {
  const evaluated = evaluatedOf(record)
  if (!evaluated)
    return section('calibration', 'Calibration', undefined, absent(whyUnevaluated(record)))
  const { set, predictions } = evaluated
  const { bins, expectedError, maximumError } = calibration(predictions)
  const images = predictions.labels.length
  const mean = (field: 'confidence' | 'accuracy'): number =>
    bins.reduce((sum, bin) => sum + (bin.count > 0 ? bin[field] * bin.count : 0), 0) / images
  const [confidence, accuracy] = [mean('confidence'), mean('accuracy')]
  return section(
    'calibration',
    'Calibration',
    `${verdict(confidence - accuracy)}: on the ${set} images the mean confidence is ${percent(confidence, 1)} and the accuracy ${percent(accuracy, 1)}.${calibratedBy(record)}`,
    html`<div class="columns">
      ${diagram(bins, expectedError)}
      <dl class="facts" style="align-content:start">
        ${Object.entries({
          'Expected calibration error': expectedError,
          'Largest gap in a bin': maximumError,
          'Mean confidence': confidence,
          Accuracy: accuracy,
        }).map(
          ([name, value]) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${percent(value)}</dd>
            </div>`,
        )}
      </dl>
    </div>`,
  )
}

function calibratedBy({ run: { temperature } }: RunRecord): string {
  if (temperature === undefined) return ''
  return ` The logits were divided by ${temperature.toFixed(2)}, fitted to the validation images.`
}

function verdict(gap: number): string {
  if (Math.abs(gap) < 0.01) return 'Confidence matches accuracy'
  return gap > 0 ? 'The network is overconfident' : 'The network is underconfident'
}

const diagram = (bins: readonly Bin[], expectedError: number): Html =>
  html`<figure class="chart">
    <figcaption>
      <strong>Accuracy by confidence</strong
      ><span class="key" style="--color:var(--accent)">accuracy</span
      ><span class="key" style="--color:var(--bad)">gap</span
      ><span class="key" style="--color:var(--quiet)">images</span>
    </figcaption>
    ${reliabilityDiagram(
      'reliability',
      `Accuracy over confidence in ${bins.length} bins; expected calibration error ${percent(expectedError)}`,
      bins,
    )}
  </figure>`
