/** For every pixel of a batch, which of its pixels to show and how much; the batch's size stands for none. */
export interface Corner {
  readonly source: Int32Array
  readonly weight: Float32Array
}

/**
 * The pixels that each pixel of turned images shows: the nearest one, or the four about it.
 *
 * @param degrees counter-clockwise, one an image
 */
export function cornersOf(
  degrees: ArrayLike<number>,
  height: number,
  width: number,
  interpolation: 'nearest' | 'bilinear',
): readonly Corner[] {
  const size = degrees.length * height * width
  const corners = Array.from({ length: interpolation === 'nearest' ? 1 : 4 }, (): Corner => ({
    source: new Int32Array(size),
    weight: new Float32Array(size).fill(1),
  }))
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2]
  let at = 0
  for (let image = 0; image < degrees.length; image++) {
    const angle = (degrees[image]! * Math.PI) / 180
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    const place = (row: number, column: number): number =>
      row < 0 || row >= height || column < 0 || column >= width
        ? size
        : (image * height + row) * width + column
    for (let r = -middleRow; r <= middleRow; r++)
      for (let c = -middleColumn; c <= middleColumn; c++) {
        const row = sin * c + cos * r + middleRow
        const column = cos * c - sin * r + middleColumn
        if (interpolation === 'nearest')
          corners[0]!.source[at] = place(Math.round(row), Math.round(column))
        else {
          const [top, left] = [Math.floor(row), Math.floor(column)]
          const [down, right] = [row - top, column - left]
          for (let corner = 0; corner < 4; corner++) {
            const [below, beside] = [corner >> 1, corner & 1]
            corners[corner]!.source[at] = place(top + below, left + beside)
            corners[corner]!.weight[at] = (below ? down : 1 - down) * (beside ? right : 1 - right)
          }
        }
        at++
      }
  }
  return corners
}
