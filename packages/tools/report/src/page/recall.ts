import { type ClassAccuracy, classAccuracies } from '@tricks/run/record'
import { count, percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import type { Matrix } from './confusion.ts'

/** Classes without images have no recall and come last. */
const rank = ({ accuracy }: ClassAccuracy): number => (Number.isNaN(accuracy) ? 2 : accuracy)

/** Recall and precision per class with counts, lowest recall first. */
export function recallTable(matrix: Matrix, names: readonly string[]): Html {
  const classes = classAccuracies(matrix).map((each, i) => ({ ...each, name: names[i]! }))
  const digits = String(Math.max(...classes.map(({ images }) => images))).length
  return html`<table class="per-class" id="per-class" style="--digits:${digits}">
      <thead>
        <tr>
          <th scope="col">Class</th>
          <th scope="col" colspan="2">Recall</th>
          <th scope="col" class="number">Correct</th>
          <th scope="col" class="number">Precision</th>
        </tr>
      </thead>
      <tbody>
        ${classes
          .toSorted((a, b) => rank(a) - rank(b))
          .map(
            ({ name, accuracy, images, precision }) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td><span class="bar" style="--share:${(accuracy || 0).toFixed(4)}"></span></td>
                <td class="number">${percent(accuracy, 1)}</td>
                <td class="number">
                  ${count(Math.round((accuracy || 0) * images))} / ${count(images)}
                </td>
                <td class="number">${percent(precision, 1)}</td>
              </tr>`,
          )}
      </tbody>
    </table>
    ${imbalance(classes)}`
}

/** With imbalanced classes, the accuracy is dominated by the large ones. */
function imbalance(classes: readonly ClassAccuracy[]): Html | undefined {
  const present = classes.filter(({ images }) => images > 0)
  const sizes = present.map(({ images }) => images)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  if (most < 2 * least) return undefined
  const mean = present.reduce((sum, { accuracy }) => sum + accuracy, 0) / present.length
  return html`<p class="under">
    The classes have ${count(least)} to ${count(most)} images each. Mean recall, with equal weight
    for each class: ${percent(mean, 1)}.
  </p>`
}
