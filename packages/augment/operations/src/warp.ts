import * as tf from '@tensorflow/tfjs-core'
import { gatherPixels, pixelIndices } from '@tricks/core/augmentation'
import type { Levels, Operation, OperationContext, Step } from './operation.ts'

/** Shear, translation, rotation and cutout: each pixel shows its source, or the fill. */
export function warp(
  levels: Levels,
  steps: readonly Step[],
  { fill, interpolation }: OperationContext,
): Levels {
  const { shape } = levels
  const source = pixelIndices(shape)
  const smooth = interpolation === 'bilinear' && steps.some(({ op }) => blended.includes(op))
  const corners = smooth ? cornersOf(source) : undefined
  for (const [image, step] of steps.entries())
    if (step.op === 'Cutout') hide(source, image, step, shape)
    else if (corners && blended.includes(step.op))
      blend(corners, image, affineOf(step, shape), shape)
    else move(source, image, affineOf(step, shape), shape)
  if (!corners) return gatherPixels(levels, source, fill)
  const [batch, height, width] = shape
  const parts = corners.map((corner) => {
    const weights = tf.tensor4d(corner.weights, [batch, height, width, 1])
    return tf.mul<Levels>(gatherPixels(levels, corner.source, fill), weights)
  })
  return tf.round(tf.addN(parts))
}

export const blended: readonly Operation[] = ['ShearX', 'ShearY', 'Rotate']

/** One of the four pixels around a source, and its weight. */
interface Corner {
  readonly source: Int32Array
  readonly weights: Float32Array
}

/** The first corner is the one used without blending; it shares its memory with `source`. */
const cornersOf = (source: Int32Array): Corner[] =>
  Array.from({ length: 4 }, (_, i) => ({
    source: i === 0 ? source : source.slice(),
    weights: new Float32Array(source.length).fill(i === 0 ? 1 : 0),
  }))

/**
 * Blends the four pixels around each source, repeating the border like Pillow; a source outside the image gives the
 * fill.
 */
function blend(
  corners: readonly Corner[],
  image: number,
  { row: [a, b, top], column: [c, d, left], middle: [middleRow, middleColumn] = [0, 0] }: Affine,
  [, height, width]: Levels['shape'],
): void {
  const first = image * height * width
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++) {
      const [r, s] = [i + 0.5 - middleRow, j + 0.5 - middleColumn]
      const [y, x] = [b * s + a * r + top - 0.5, d * s + c * r + left - 0.5]
      const [row, column] = [Math.floor(y), Math.floor(x)]
      const outside = y < -0.5 || y >= height - 0.5 || x < -0.5 || x >= width - 0.5
      const at = first + i * width + j
      for (const [k, { source, weights }] of corners.entries()) {
        const [down, right] = [k >> 1, k & 1]
        const u = Math.max(0, Math.min(height - 1, row + down))
        const v = Math.max(0, Math.min(width - 1, column + right))
        source[at] = outside ? source.length : first + u * width + v
        weights[at] = (down ? y - row : row + 1 - y) * (right ? x - column : column + 1 - x)
      }
    }
}

/**
 * The source of an output pixel's centre, both measured from the top left corner; per row and column: byRow · (row −
 * middle row) + byColumn · (column − middle column) + start.
 */
export interface Affine {
  readonly row: Line
  readonly column: Line
  /** [row, column]; default the corner. */
  readonly middle?: readonly [number, number]
}
type Line = readonly [byRow: number, byColumn: number, start: number]

export function affineOf({ op, magnitude }: Step, [, height, width]: Levels['shape']): Affine {
  const [row, column] = [[1, 0, 0] as const, [0, 1, 0] as const]
  switch (op) {
    case 'ShearX':
      return { row, column: [magnitude, 1, 0] }
    case 'ShearY':
      return { row: [1, magnitude, 0], column }
    case 'TranslateX':
      return { row, column: [0, 1, -Math.trunc(magnitude)] }
    case 'TranslateY':
      return { row: [1, 0, -Math.trunc(magnitude)], column }
    default: {
      const angle = (magnitude * Math.PI) / 180
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      const middle = [height / 2, width / 2] as const
      return { row: [cos, sin, middle[0]], column: [-sin, cos, middle[1]], middle }
    }
  }
}

function move(
  source: Int32Array,
  image: number,
  { row: [a, b, top], column: [c, d, left], middle: [middleRow, middleColumn] = [0, 0] }: Affine,
  [, height, width]: Levels['shape'],
): void {
  const first = image * height * width
  let at = first
  for (let i = 0; i < height; i++) {
    const r = i + 0.5 - middleRow
    for (let j = 0; j < width; j++) {
      const s = j + 0.5 - middleColumn
      const row = Math.floor(b * s + a * r + top)
      const column = Math.floor(d * s + c * r + left)
      const inside = row >= 0 && row < height && column >= 0 && column < width
      source[at++] = inside ? first + row * width + column : source.length
    }
  }
}

function hide(source: Int32Array, image: number, step: Step, shape: Levels['shape']): void {
  const [, height, width] = shape
  const [top, left, rows, columns] = holeOf(step, shape)
  for (let r = top; r < top + rows; r++) {
    const start = (image * height + r) * width
    source.fill(source.length, start + left, start + left + columns)
  }
}

/** Cutout's hole, clipped to the image: [row, column, rows, columns]. */
export function holeOf(
  { magnitude, center }: Step,
  [, height, width]: Levels['shape'],
): readonly [number, number, number, number] {
  const [row, column] = center ?? [Math.floor(height / 2), Math.floor(width / 2)]
  const half = Math.floor(magnitude / 2)
  const span = (middle: number, size: number): readonly [number, number] => {
    const start = Math.max(0, middle - half)
    return [start, Math.max(0, Math.min(size, middle + half) - start)]
  }
  const [[top, rows], [left, columns]] = [span(row, height), span(column, width)]
  return [top, left, rows, columns]
}
