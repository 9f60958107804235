import * as tf from '@tensorflow/tfjs-core'
import type { ImageSet } from './image-set.ts'

/** 'Uint8Array', 'Array', and so on, also for objects from another realm, such as a worker or a test sandbox. */
const kindOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1)
const isBytes = (value: unknown): boolean =>
  ['Uint8Array', 'Uint8ClampedArray'].includes(kindOf(value))

/** Rejects images that are not bytes. @throws Error with how to convert them */
export function checkPixels(name: string, images: unknown): void {
  if (isBytes(images)) return
  const [what, remedy] = wrong(images)
  if (what !== undefined)
    throw new Error(
      `train: expected the ${name} images to be bytes from 0 to 255 in a Uint8Array, got ${what}.${remedy && ` ${remedy}`}`,
    )
}

/** Describes what was passed instead of bytes, and how to convert it. */
function wrong(images: unknown): readonly [what?: string, remedy?: string] {
  const kind = kindOf(images)
  if (images instanceof tf.Tensor)
    return images.dtype === 'int32'
      ? ['a tensor of int32', 'Pass Uint8Array.from(await images.data())']
      : [
          `a tensor of ${images.dtype}`,
          'Pass Uint8Array.from(await images.data(), (value) => Math.round(255 * value)) if its values are in [0, 1]',
        ]
  if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer')
    return [withArticle(kind), 'Pass new Uint8Array(images)']
  if (kind.startsWith('Big')) return [withArticle(kind), 'Pass Uint8Array.from(images, Number)']
  if (Array.isArray(images)) {
    const nested = images.some((each) => typeof each === 'object')
    if (!nested) return numbers('an array', 'images', images as number[])
    const inner = (images as unknown[]).find((each) => ArrayBuffer.isView(each))
    if (inner)
      return [
        `an array of ${kindOf(inner)}s`,
        'Join them into one: Uint8Array.from(images.flatMap((image) => [...image]))',
      ]
    return numbers('nested arrays', 'images.flat(Infinity)', images.flat(Infinity) as number[])
  }
  if (ArrayBuffer.isView(images) && kind !== 'DataView')
    return numbers(withArticle(kind), 'images', images as unknown as ArrayLike<number>)
  const reader = images as Partial<ImageSet['images']> | null | undefined
  if (typeof reader?.subarray === 'function' && Number.isInteger(reader.length)) {
    const part: unknown = reader.subarray(0, 0)
    return isBytes(part) ? [] : [`an object whose subarray returns ${nameOf(part)}`, '']
  }
  const inside = (images as { data?: unknown } | null | undefined)?.data
  return [nameOf(images), isBytes(inside) ? 'Pass images.data' : '']
}

const withArticle = (kind: string): string => `${/^[AEIO]/.test(kind) ? 'an' : 'a'} ${kind}`

const nameOf = (value: unknown): string =>
  value === undefined || value === null ? String(value) : `${kindOf(value)} (${typeof value})`

/** Numbers other than bytes; their range indicates how they were produced. */
function numbers(what: string, source: string, values: ArrayLike<number>): [string, string] {
  let [min, max, whole] = [Infinity, -Infinity, true]
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (typeof value !== 'number' || Number.isNaN(value))
      return [`${what} that holds ${String(value)} at index ${i}`, 'Check how the images are read']
    if (value < min) min = value
    if (value > max) max = value
    whole &&= Number.isInteger(value)
  }
  if (values.length === 0) return [`${what} without values`, '']
  const from = (convert: string): [string, string] => [
    `${what} of values from ${min} to ${max}`,
    `Pass Uint8Array.from(${source}${convert})`,
  ]
  if (what.endsWith('Int8Array') && min < 0)
    return [
      from('')[0],
      'Pass new Uint8Array(images.buffer, images.byteOffset, images.length) if they are unsigned bytes read as signed',
    ]
  if (min >= 0 && max <= 1) return from(', (value) => Math.round(255 * value)')
  if (min >= -1 && max <= 1) return from(', (value) => Math.round(127.5 * (value + 1))')
  if (min >= 0 && max <= 255) return from(whole ? '' : ', Math.round')
  if (min > -64 && max > 16 && max < 320)
    return [from('')[0], `Pass Uint8ClampedArray.from(${source}), which rounds and clamps`]
  if (min >= 0 && max <= 65535 && whole) return from(', (value) => Math.round(value / 257)')
  return [
    from('')[0],
    'Pass the images before normalisation: train normalises them by mean and deviation',
  ]
}
