/** One source pixel, with its weight, for every pixel of a batch; the index after the last pixel is the fill. */
export interface Corner {
  readonly source: Int32Array
  /** Absent if all weights are 1. */
  readonly weight?: Float32Array
}

/**
 * The source pixels of each pixel of rotated images: the nearest one, or the four around it.
 *
 * @param degrees counter-clockwise, one per image
 */
export function cornersOf(
  degrees: ArrayLike<number>,
  height: number,
  width: number,
  interpolation: 'nearest' | 'bilinear',
): readonly Corner[] {
  const size = degrees.length * height * width
  // Adding a half rounds to the nearest.
  if (interpolation === 'nearest') {
    const nearest = { source: new Int32Array(size) }
    follow(degrees, height, width, 0.5, 0, 0, nearest)
    return [nearest]
  }
  return [0, 1, 2, 3].map((i) => {
    const corner = { source: new Int32Array(size), weight: new Float32Array(size) }
    follow(degrees, height, width, 0, i >> 1, i & 1, corner)
    return corner
  })
}

/** One corner per call, to keep the loop over pixels fast. */
function follow(
  degrees: ArrayLike<number>,
  height: number,
  width: number,
  rounding: number,
  below: number,
  beside: number,
  { source, weight }: Corner,
): void {
  const [middleRow, middleColumn] = [(height - 1) / 2, (width - 1) / 2]
  let at = 0
  for (let image = 0; image < degrees.length; image++) {
    const angle = (degrees[image]! * Math.PI) / 180
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    const first = image * height * width
    for (let r = -middleRow; r <= middleRow; r++)
      for (let c = -middleColumn; c <= middleColumn; c++) {
        const row = sin * c + cos * r + middleRow
        const column = cos * c - sin * r + middleColumn
        const y = Math.floor(row + rounding) + below
        const x = Math.floor(column + rounding) + beside
        const inside = y >= 0 && y < height && x >= 0 && x < width
        source[at] = inside ? first + y * width + x : source.length
        if (weight) weight[at] = (1 - Math.abs(row - y)) * (1 - Math.abs(column - x))
        at++
      }
  }
}
