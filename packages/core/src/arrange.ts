import type * as tf from '@tensorflow/tfjs-core'
import { type ImageProgram, inOnePass, instructions } from './one-pass.ts'
import { gatherPixels } from './pixels.ts'
import { uniformsAt } from './random.ts'

type Shape = readonly [batch: number, height: number, width: number, channels: number]

/** Copies a box from an image of the batch; `down` and `right` are the source's steps: 1, −1 mirrors, 0 repeats. */
export function copyBox(
  program: ImageProgram,
  [row, column, rows, columns]: readonly [number, number, number, number],
  image: number,
  fromRow: number,
  fromColumn: number,
  down = 1,
  right = 1,
): void {
  program.push(instructions.copy, row, column, rows, columns)
  program.push(image, fromRow, fromColumn, down, right)
}

/** Copies a whole image of the batch. */
export const copyImage = (program: ImageProgram, [, height, width]: Shape, image: number): void =>
  copyBox(program, [0, 0, height, width], image, 0, 0)

/** Fills a box with a colour. */
export function fillBox(
  program: ImageProgram,
  [row, column, rows, columns]: readonly [number, number, number, number],
  colour: ArrayLike<number>,
): void {
  program.push(instructions.fill, row, column, rows, columns)
  for (let channel = 0; channel < colour.length; channel++) program.push(colour[channel]!)
}

/** Fills a box with uniform values from [0, 1), one per channel of each pixel, as `uniformsAt` gives them. */
export function fillRandomly(
  program: ImageProgram,
  [row, column, rows, columns]: readonly [number, number, number, number],
  position: ArrayLike<number>,
): void {
  program.push(instructions.random, row, column, rows, columns)
  for (let i = 0; i < 6; i++) program.push(position[i]! >>> 0)
}

/**
 * Composes images from boxes of the batch's images and of fills, by programs of the functions above; pixels are copied
 * exactly.
 *
 * @param images `[batch, height, width, channels]`
 * @param write writes the program of an image, which covers all of its pixels; boxes are inside the images, not checked
 * @returns images of the same shape
 * @example
 * const [, height, width] = images.shape
 * const mirrored = arrangePixels(images, (image, program) => {
 *   copyBox(program, [0, 0, height, width], image, 0, width - 1, 1, -1)
 * })
 */
export function arrangePixels(
  images: tf.Tensor4D,
  write: (image: number, program: ImageProgram) => void,
): tf.Tensor4D {
  return inOnePass(images, write, (x) => gatherArranged(x, write))
}

/** The same by the index of each pixel's source: the images' pixels, followed by those of the fills. */
function gatherArranged(
  images: tf.Tensor4D,
  write: (image: number, program: ImageProgram) => void,
): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape
  const source = new Int32Array(batch * height * width)
  const fills: number[] = []
  for (let image = 0; image < batch; image++) {
    const program: ImageProgram = []
    write(image, program)
    for (let at = 0; at < program.length;) {
      const [code, row, column, rows, columns] = program.slice(at, at + 5) as [
        number,
        number,
        number,
        number,
        number,
      ]
      at += 5
      /** The first source, and its steps to the next row and column. */
      let [first, down, right] = [source.length + fills.length / channels, 0, 0]
      if (code === instructions.copy) {
        const [from, fromRow, fromColumn, stepDown, stepRight] = program.slice(at, (at += 5))
        first = (from! * height + fromRow!) * width + fromColumn!
        ;[down, right] = [stepDown! * width, stepRight!]
      } else if (code === instructions.fill) {
        fills.push(...program.slice(at, (at += channels)))
      } else {
        const position = program.slice(at, (at += 6))
        for (const value of uniformsAt(position, rows * columns * channels)) fills.push(value)
        ;[down, right] = [columns, 1]
      }
      for (let r = 0; r < rows; r++) {
        const start = (image * height + row + r) * width + column
        for (let c = 0; c < columns; c++) source[start + c] = first + r * down + c * right
      }
    }
  }
  return gatherPixels(images, source, fills)
}
