import * as tf from '@tensorflow/tfjs-layers'
import { createRandom } from '@tricks/core'
import type { ImageSet, Model } from '../src/index.ts'

/** Linearly separable images of three classes: each class has its own bright channel. */
export function blobs(size: number, seed = 0): ImageSet & { images: Uint8Array; labels: number[] } {
  const [height, width, channels] = [4, 4, 3]
  const random = createRandom(seed)
  const labels = Array.from({ length: size }, (_, i) => i % 3)
  const images = new Uint8Array(size * height * width * channels)
  for (let i = 0; i < images.length; i++) {
    const label = labels[Math.floor(i / (height * width * channels))]!
    images[i] = random.integer(0, 160) + (i % channels === label ? 60 : 0)
  }
  return { images, labels, height, width, channels, classes: ['red', 'green', 'blue'] }
}

/** A small dense network with fixed initial weights. */
export function denseModel({
  units = 3,
  activation,
}: { units?: number; activation?: 'softmax' } = {}): Model {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 5 })
  return tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [4, 4, 3] }),
      tf.layers.dense({ name: 'head', units: 8, activation: 'relu', kernelInitializer }),
      tf.layers.dense({ units, kernelInitializer, ...(activation && { activation }) }),
    ],
  })
}
