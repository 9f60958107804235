import { classAccuracies, confusionMatrix, type RunRecord } from '@tricks/run/record'
import { percent } from '../format.ts'
import { html, type Html } from '../html.ts'
import { absent, section } from '../page/document.ts'
import { classNames, type Evaluated, evaluatedOf } from '../page/evaluated.ts'
import { type Compared, swatch } from './compared.ts'

/** Recall per class, for runs that were evaluated on the same kind of set. */
export function classes(runs: readonly Compared[]): Html {
  const evaluated = runs.flatMap((run) => {
    const found = evaluatedOf(run.record)
    return found ? [{ ...run, ...found }] : []
  })
  const [first] = evaluated.toSorted((a, b) => a.set.localeCompare(b.set))
  if (!first)
    return section(
      'classes',
      'Recall per class',
      undefined,
      absent('No predictions were recorded.'),
    )
  const compared = evaluated.filter(({ set }) => set === first.set)
  const columns = compared.map(recallByName)
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))]
  return section(
    'classes',
    'Recall per class',
    `On the ${first.set} images.`,
    html`<div class="scroll">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">Class</th>
            ${compared.map(({ record, color }) => html`<th scope="col" class="number">${swatch(color)}${record.name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${names.map((name) => {
            const values = columns.map((column) => column.get(name))
            const best = Math.max(...values.map((value) => value || 0))
            return html`<tr>
              <td>${name}</td>
              ${values.map((value) => html`<td class="number${columns.length > 1 && value === best && ' best'}">${percent(value, 1)}</td>`)}
            </tr>`
          })}
        </tbody>
      </table>
    </div>`,
  )
}

/** By name, as runs may have different classes or orders. */
function recallByName({
  record,
  predictions,
}: Evaluated & { record: RunRecord }): Map<string, number> {
  const names = classNames(record)
  const recalls = classAccuracies(confusionMatrix(predictions))
  return new Map(recalls.map(({ accuracy }, i) => [names[i]!, accuracy]))
}
