// Keeps image sets on the device, so that a step uploads the indices of its images instead of their pixels.
import * as tf from '@tensorflow/tfjs-core'
import type { ImageSet } from './image-set.ts'

interface Resident {
  readonly backend: string
  /** `[images, ⌈bytes / 3⌉]`: tfjs has no byte tensors, and a float32 holds three bytes exactly, as one integer. */
  readonly packed: tf.Tensor2D
  /** The float32 values of k/255, as division on a GPU may differ in the last bit. */
  readonly unit: tf.Tensor1D
}

const residents = new WeakMap<ImageSet, Resident>()

/** More would leave too little memory for training on a common GPU. */
const mostBytes = 2 ** 30

/**
 * Copies an image set to the device if it is a GPU, where `batchOf` then gathers batches. A set that is read from
 * files, or that would exceed 1 GiB or the device's largest buffer, stays on the host. Each byte takes 1⅓ bytes on the
 * device.
 *
 * @param force copies the set to any device
 * @returns a function that frees the copy
 * @example
 * const release = keepOnDevice(trainingImages)
 */
export function keepOnDevice(set: ImageSet, force = false): () => void {
  const { images, labels, height, width, channels } = set
  const size = height * width * channels
  const words = Math.ceil(size / 3)
  const fits = labels.length * words * 4 <= Math.min(mostBytes, largestBuffer())
  if (!(images instanceof Uint8Array) || !fits || !(force || onGpu())) return () => undefined
  const values = new Float32Array(labels.length * words)
  for (let image = 0; image < labels.length; image++)
    for (let i = 0; i < size; i++)
      values[image * words + Math.floor(i / 3)]! += images[image * size + i]! * 256 ** (i % 3)
  const resident = {
    backend: tf.getBackend(),
    packed: tf.tensor2d(values, [labels.length, words]),
    unit: tf.tensor1d(Float32Array.from({ length: 256 }, (_, k) => k / 255)),
  }
  residents.set(set, resident)
  return () => {
    if (residents.get(set) === resident) residents.delete(set)
    tf.dispose([resident.packed, resident.unit])
  }
}

/** Images of a set on the current device, float32 in [0, 1], bit-equal to the host's. */
export function imagesOnDevice(set: ImageSet, indices: Int32Array): tf.Tensor4D | undefined {
  const resident = residents.get(set)
  if (resident?.backend !== tf.getBackend()) return undefined
  const { height, width, channels } = set
  return tf.tidy(() => {
    // Multiplying by powers of two is exact on every GPU.
    const over = (x: tf.Tensor): tf.Tensor => tf.floor(tf.mul(x, 1 / 256))
    const first = tf.gather(resident.packed, tf.tensor1d(indices, 'int32'))
    const second = over(first)
    const third = over(second)
    const bytes = tf.stack(
      [tf.sub(first, tf.mul(second, 256)), tf.sub(second, tf.mul(third, 256)), third],
      2,
    )
    const values = tf.gather(resident.unit, tf.cast(bytes, 'int32'))
    const rows = tf.reshape(values, [indices.length, -1])
    const own = tf.slice(rows, [0, 0], [indices.length, height * width * channels])
    return tf.reshape(own, [indices.length, height, width, channels])
  })
}

/** The properties of a backend that show whether it uses a GPU and its largest buffer. */
interface Device {
  readonly isUsingGpuDevice?: boolean
  readonly device?: { readonly limits?: { readonly maxStorageBufferBindingSize: number } }
}

function onGpu(): boolean {
  const { isUsingGpuDevice } = tf.backend() as unknown as Device
  return tf.getBackend() === 'webgpu' || isUsingGpuDevice === true
}

const largestBuffer = (): number =>
  (tf.backend() as unknown as Device).device?.limits?.maxStorageBufferBindingSize ?? Infinity
