import * as tf from '@tensorflow/tfjs-core'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Tensors } from '@tricks/core'
import { variablesOf } from '@tricks/core/model'
import type { ImageSet, Subset } from './image-set.ts'
import type { Model } from './model.ts'
import { topologyOf } from './topology.ts'

/** The first 64 bits of a SHA-256 hash: enough to distinguish runs, and short in a message. */
class Fingerprint {
  private readonly hash = sha256.create()

  add(values: ArrayBufferView): this {
    this.hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    return this
  }

  toString(): string {
    return bytesToHex(this.hash.digest()).slice(0, 16)
  }
}

/** Larger sets are hashed in part, as hashing would take more than two seconds and the set may be in a file. */
const most = 2 ** 28
const chunk = 2 ** 20

/**
 * Fingerprint of a set's images and their order: of all bytes up to 256 MiB, otherwise of an equal part from the middle
 * of each image.
 */
export function imagesFingerprint({ images, labels }: ImageSet, budget = most): string {
  const { length } = images
  const fingerprint = new Fingerprint()
  if (length <= budget) {
    for (let from = 0; from < length; from += chunk)
      fingerprint.add(images.subarray(from, Math.min(length, from + chunk)))
    return fingerprint.toString()
  }
  const size = length / labels.length
  const part = Math.max(1, Math.floor(budget / labels.length))
  const skipped = Math.floor((size - part) / 2)
  for (let from = skipped; from < length; from += size)
    fingerprint.add(images.subarray(from, from + part))
  return fingerprint.toString()
}

export function labelsFingerprint({ labels, targets }: ImageSet): string {
  const numbers = (list: ArrayLike<number>): Int32Array =>
    Int32Array.from({ length: list.length }, (_, i) => list[i]!)
  const fingerprint = new Fingerprint().add(numbers(labels))
  return (targets ? fingerprint.add(numbers(targets)) : fingerprint).toString()
}

/** Fingerprint of the names, shapes and values of tensors. */
export async function tensorsFingerprint(tensors: Tensors): Promise<string> {
  const fingerprint = new Fingerprint()
  for (const [name, tensor] of Object.entries(tensors) as [string, tf.Tensor][]) {
    fingerprint.add(new TextEncoder().encode(`${name} [${tensor.shape.join(', ')}]`))
    fingerprint.add(await tensor.data())
  }
  return fingerprint.toString()
}

/**
 * The first 64 bits of a text's SHA-256, in hexadecimal digits.
 *
 * @example
 * textFingerprint('a') // 'ca978112ca1bbdca'
 */
export const textFingerprint = (text: string): string =>
  new Fingerprint().add(new TextEncoder().encode(text)).toString()

/**
 * Identifies a model's outputs for a set of images: equal for the same backend, layers, weights and images, in any
 * process.
 *
 * @example
 * const name = await fingerprintOf(model, { set: trainingImages, indices: Int32Array.of(0, 1) })
 */
export async function fingerprintOf(model: Model, { set, indices }: Subset): Promise<string> {
  const { height, width, channels } = set
  const about = [
    tf.getBackend(),
    topologyOf(model),
    await tensorsFingerprint(variablesOf(model)),
    [height, width, channels],
    imagesFingerprint(set),
    new Fingerprint().add(indices).toString(),
  ]
  return textFingerprint(JSON.stringify(about))
}
