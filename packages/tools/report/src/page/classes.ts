import { confusionMatrix, type RunRecord } from '@tricks/run/record'
import { count } from '../format.ts'
import { html, type Html } from '../html.ts'
import { confusionTable, heatMap, type Matrix } from './confusion.ts'
import { absent, section } from './document.ts'
import { classNames, evaluatedOf, whyUnevaluated } from './evaluated.ts'
import { recallTable } from './recall.ts'

/** With more classes, the matrix takes the full width of the page. */
const maxClassesSideBySide = 12
/** With more, it is a heat map, and the table of numbers is collapsed. */
const maxClassesInTable = 20
/** With more, the table would be larger than the rest of the page. */
const maxClassesInFoldedTable = 200

/** Recall per class and confusions between classes. */
export function classesSection(record: RunRecord): Html {
  const evaluated = evaluatedOf(record)
  if (!evaluated) return section('classes', 'Classes', undefined, absent(whyUnevaluated(record)))
  const { set, predictions } = evaluated
  const images = count(predictions.labels.length)
  return section(
    'classes',
    'Classes',
    `${images} ${set} images: one row per true class, one column per predicted class, shaded by the fraction of the row.`,
    arranged(confusionMatrix(predictions), classNames(record)),
  )
}

function arranged(matrix: Matrix, names: readonly string[]): Html {
  const [recalls, pairs] = [recallTable(matrix, names), confused(matrix, names)]
  const table = confusionTable(matrix, names)
  if (names.length <= maxClassesSideBySide)
    return html`<div class="columns">
      <div id="confusion">${table}</div>
      <div>${recalls}${pairs}</div>
    </div>`
  if (names.length <= maxClassesInTable)
    return html`<div class="body" id="confusion">${table}</div>
      <div class="columns">
        <div>${recalls}</div>
        <div>${pairs}</div>
      </div>`
  return html`<div class="columns">
      <div>
        <div id="confusion">${heatMap(matrix, names)}</div>
        ${pairs}
      </div>
      <div class="tall">${recalls}</div>
    </div>
    ${
      names.length <= maxClassesInFoldedTable &&
      html`<details id="confusion-table">
        <summary>Confusion matrix in numbers</summary>
        ${table}
      </details>`
    }`
}

function confused(matrix: Matrix, names: readonly string[]): Html | undefined {
  const pairs = matrix
    .flatMap((row, label) =>
      row
        .map((times, predicted) => ({ label, predicted, times }))
        .filter((each) => each.label !== each.predicted && each.times > 0),
    )
    .toSorted((a, b) => b.times - a.times || a.label - b.label || a.predicted - b.predicted)
    .slice(0, names.length > maxClassesInTable ? 12 : 6)
  if (pairs.length === 0) return undefined
  return html`<div class="confused">
    <h3>Most frequent confusions</h3>
    <ol>
      ${pairs.map(
        ({ label, predicted, times }) =>
          html`<li>
            <span>${names[label]} → ${names[predicted]}</span><span>${count(times)}</span>
          </li>`,
      )}
    </ol>
  </div>`
}
