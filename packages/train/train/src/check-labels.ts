import * as tf from '@tensorflow/tfjs-core'
import type { ImageSet } from './image-set.ts'

/**
 * Validates the labels of a set.
 *
 * @throws Error if they are not one class index per image, with how to convert them
 */
export function checkLabels(name: string, { images, labels, ...set }: ImageSet): Int32Array {
  const { height, width, channels, classes } = set
  if (labels instanceof tf.Tensor)
    throw new Error(
      `train: expected the ${name} labels to be a list of class numbers, got a tensor. ` +
        `Pass await ${labels.rank > 1 ? 'tf.argMax(labels, 1)' : 'labels'}.data()`,
    )
  const count = (labels as ArrayLike<number> | undefined)?.length
  if (typeof labels !== 'object' || typeof count !== 'number')
    throw new Error(
      `train: expected the ${name} labels to be a list of class numbers, got ${typeof labels}`,
    )
  if (count === 0) throw new Error(`train: the ${name} set is empty`)
  const values = height * width * channels
  if (images.length !== count * values)
    throw new Error(
      `train: the ${name} set has ${count} labels, so expected ${count * values} bytes ` +
        `of ${height}×${width}×${channels} images, got ${images.length}${countRemedy(images.length, count, set)}`,
    )
  // Read once, which the tests verify for the test set.
  const read: unknown[] = Array.from({ length: count }, (_, i) => labels[i])
  const wrong = read.findIndex((label) => !isClass(label, classes.length))
  if (wrong >= 0)
    throw new Error(
      `train: expected labels in [0, ${classes.length}), got ${shown(read[wrong])} at index ${wrong} of the ${name} set` +
        labelRemedy(read, wrong, classes),
    )
  return Int32Array.from(read as number[])
}

/** @throws Error unless there is a 0 or 1 for each image and class */
export function checkTargets(
  name: string,
  targets: ArrayLike<number>,
  images: number,
  classes: number,
): void {
  if (targets.length !== images * classes)
    throw new Error(
      `train: expected ${images * classes} targets of the ${name} set, a row of ${classes} for each of ${images} images, ` +
        `got ${targets.length}`,
    )
  const wrong = Array.from(targets).findIndex((target) => target !== 0 && target !== 1)
  if (wrong >= 0)
    throw new Error(
      `train: expected the ${name} set's targets to be 0 or 1, got ${shown(targets[wrong])} at index ${wrong}`,
    )
}

const isClass = (label: unknown, classes: number): label is number =>
  Number.isInteger(label) && (label as number) >= 0 && (label as number) < classes

function shown(label: unknown): string {
  if (typeof label === 'bigint') return `${label}n`
  if (ArrayBuffer.isView(label)) return JSON.stringify(Array.from(label as Uint8Array))
  return typeof label === 'object' || typeof label === 'string'
    ? JSON.stringify(label)
    : `${label as number}`
}

/** Advice if bytes and labels disagree in number. */
function countRemedy(
  bytes: number,
  labels: number,
  { height, width, channels, classes }: Omit<ImageSet, 'images' | 'labels'>,
): string {
  const images = bytes / (height * width * channels)
  if (labels === images * classes.length)
    return `. The labels look like ${images} one-hot rows: pass a class number for each image`
  const fitting = bytes / (labels * height * width)
  if (Number.isInteger(fitting) && fitting >= 1 && fitting <= 4)
    return `. They are the bytes of ${fitting} channels: pass channels: ${fitting}, or convert the images`
  if (Number.isInteger(images)) return `. There are ${images} images: pass a label for each`
  return ''
}

function labelRemedy(
  labels: readonly unknown[],
  wrong: number,
  classes: readonly string[],
): string {
  const label = labels[wrong]
  if (typeof label === 'string')
    return classes.includes(label)
      ? '. Convert names to class numbers: labels.map((name) => classes.indexOf(name))'
      : '. Convert them to class numbers'
  if (typeof label === 'bigint' || typeof label === 'boolean')
    return '. Convert them: Array.from(labels, Number)'
  if (Array.isArray(label) || ArrayBuffer.isView(label))
    return '. Convert one-hot rows to class numbers: labels.map((row) => row.indexOf(1))'
  if (label === -1 || label === undefined || label === null || Number.isNaN(label))
    return '. Leave out images without a label'
  const [min, max] = range(labels)
  if (min === 1 && max === classes.length)
    return '. Class numbers start at 0: pass labels.map((label) => label - 1)'
  if (typeof label === 'number' && label >= classes.length)
    return '. Add the names of the missing classes to classes'
  return ''
}

function range(labels: readonly unknown[]): readonly [min: number, max: number] {
  let [min, max] = [Infinity, -Infinity]
  for (const label of labels as number[]) {
    min = Math.min(min, label)
    max = Math.max(max, label)
  }
  return [min, max]
}
