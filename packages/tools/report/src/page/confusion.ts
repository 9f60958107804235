import { html, type Html } from '../html.ts'

/** Counts, `matrix[label][predicted]`. */
export type Matrix = readonly (readonly number[])[]

const sumOf = (row: readonly number[]): number => row.reduce((sum, times) => sum + times, 0)

/** The confusion matrix as a table; cells are shaded by the fraction of the row. */
export function confusionTable(matrix: Matrix, names: readonly string[]): Html {
  const digits = String(Math.max(...matrix.map(sumOf))).length
  const cell = (times: number, images: number, correct: boolean): Html => {
    if (times === 0) return html`<td class="zero">·</td>`
    const share = times / images
    return html`<td
      class="${correct ? 'right' : 'wrong'}${share > 0.6 && ' strong'}"
      style="--share:${share.toFixed(3)}"
    >
      ${times}
    </td>`
  }
  return html`<div class="scroll">
    <table class="confusion" style="--classes:${names.length};--digits:${digits}">
      <thead>
        <tr>
          <th></th>
          ${names.map((name) => html`<th scope="col" title="${name}"><span>${name}</span></th>`)}
        </tr>
      </thead>
      <tbody>
        ${matrix.map(
          (row, i) =>
            html`<tr>
              <th scope="row" title="${names[i]}">${names[i]}</th>
              ${row.map((times, j) => cell(times, sumOf(row), i === j))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** The confusion matrix as a heat map; each cell has a tooltip. */
export function heatMap(matrix: Matrix, names: readonly string[]): Html {
  const size = matrix.length
  const cells = matrix.flatMap((row, i) => {
    const images = sumOf(row)
    return row.flatMap((times, j) => {
      if (times === 0) return []
      // With many classes every confusion is rare: the square root makes small fractions distinguishable.
      const share = Math.sqrt(times / images).toFixed(3)
      return [
        html`<rect
          x="${j}"
          y="${i}"
          width="1"
          height="1"
          class="${i === j ? 'right' : 'wrong'}"
          style="--share:${share}"
          ><title>${names[i]} → ${names[j]}: ${times} of ${images}</title></rect
        >`,
      ]
    })
  })
  return html`<svg
    class="matrix"
    role="img"
    aria-label="Confusion matrix of ${size} classes"
    viewBox="0 0 ${size} ${size}"
  >
    ${cells}
  </svg>`
}
