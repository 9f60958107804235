import { type Mistake, type RunRecord, shownMistakes } from '@tricks/run/record'
import { percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { absent, section } from './document.ts'
import { classNames, evaluatedOf, whyUnevaluated } from './evaluated.ts'
import { picture, pictureList } from './pictures.ts'

/** Pictures of misclassified images. */
export function mistakesSection(record: RunRecord): Html {
  const evaluated = evaluatedOf(record)
  if (!evaluated) return section('mistakes', 'Mistakes', undefined, absent(whyUnevaluated(record)))
  const { set, predictions } = evaluated
  const { worst, mostConfident } = shownMistakes(predictions)
  if (worst.length === 0)
    return section('mistakes', 'Mistakes', undefined, absent(`All ${set} images are correct.`))
  const names = classNames(record)
  const list = (mistakes: readonly Mistake[]): Html =>
    pictureList(
      mistakes.map(({ index, label, predicted, confidence, own }) => {
        const pixels = predictions.pictures.get(index)
        return html`<li>
          ${pixels && picture(pixels, names[label]!)}
          <p>
            <b>${names[label]}</b> ${percent(own, own < 0.001 ? 2 : 1)}<br /><i
              >${names[predicted]}</i
            >
            ${percent(confidence, 1)}
          </p>
        </li>`
      }),
      predictions.pictures.values().next().value,
    )
  return section(
    'mistakes',
    'Mistakes',
    `Misclassified ${set} images: first the true class, then the predicted one, each with its predicted probability.`,
    html`<div class="body">
      <div class="group" id="worst">
        <h3>Worst <span>highest loss</span></h3>
        ${list(worst)}
      </div>
      <div class="group" id="most-confident">
        <h3>Most confident <span>the most confident mistake of each class</span></h3>
        ${list(mostConfident)}
      </div>
    </div>`,
  )
}
