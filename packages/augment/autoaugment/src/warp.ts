import * as tf from '@tensorflow/tfjs-core'
import type { Levels } from './levels.ts'
import type { Step, Surroundings } from './operation.ts'

/** Where the middle of an output pixel comes from: [row, column], both from the top left corner. */
type Source = (row: number, column: number) => readonly [number, number]

/** Shear, translation, rotation and cutout: each pixel shows another one, the nearest, or the fill. */
export function warp(levels: Levels, steps: readonly Step[], { fill }: Surroundings): Levels {
  const [batch, height, width, channels] = levels.shape
  const outside = batch * height * width
  const shown = new Int32Array(outside)
  let at = 0
  steps.forEach((step, image) => {
    const source = sourceOf(step, height, width)
    for (let r = 0; r < height; r++)
      for (let c = 0; c < width; c++) {
        const [y, x] = source(r + 0.5, c + 0.5)
        const [row, column] = [Math.floor(y), Math.floor(x)]
        const inside = row >= 0 && row < height && column >= 0 && column < width
        shown[at++] = inside ? (image * height + row) * width + column : outside
      }
  })
  const pixels = tf.concat([tf.reshape(levels, [-1, channels]), tf.tensor2d([[...fill]])])
  return tf.reshape(tf.gather(pixels, tf.tensor1d(shown, 'int32')), levels.shape)
}

function sourceOf({ op, magnitude, center }: Step, height: number, width: number): Source {
  switch (op) {
    case 'ShearX':
      return (row, column) => [row, column + magnitude * row]
    case 'ShearY':
      return (row, column) => [row + magnitude * column, column]
    case 'TranslateX':
      return (row, column) => [row, column - Math.trunc(magnitude)]
    case 'TranslateY':
      return (row, column) => [row - Math.trunc(magnitude), column]
    case 'Rotate': {
      const angle = (magnitude * Math.PI) / 180
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      return (row, column) => {
        const [r, c] = [row - height / 2, column - width / 2]
        return [sin * c + cos * r + height / 2, cos * c - sin * r + width / 2]
      }
    }
    default: {
      const half = Math.floor(magnitude / 2)
      const [top, left] = [center![0] - half, center![1] - half]
      const hidden = (place: number, start: number): boolean =>
        place > start && place < start + 2 * half
      return (row, column) => (hidden(row, top) && hidden(column, left) ? [-1, -1] : [row, column])
    }
  }
}
