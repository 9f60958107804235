// What the reader of a card or of an example has at hand: images, a model, a loop. Everything is small.
import * as tf from '@tensorflow/tfjs'
import { softmaxCrossEntropy } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { createModel } from '@tricks/models'
import { randomFlip } from '@tricks/random-flip'
import type { ImageSet, TrainOptions } from '@tricks/train'

/** Images of noise, their labels in turn. */
export function imageSet(count: number, classes = 10): ImageSet {
  const images = Uint8Array.from({ length: count * 32 * 32 * 3 }, (_, i) => (i * i * 31) % 251)
  return {
    images,
    labels: Array.from({ length: count }, (_, i) => i % classes),
    height: 32,
    width: 32,
    channels: 3,
    classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
  }
}

export function scene() {
  const images = tf.randomUniform<tf.Rank.R4>([2, 32, 32, 3], 0, 1, 'float32', 1)
  const targets = tf.oneHot([3, 1], 10, 1, 0, 'float32') as tf.Tensor2D
  const logits = tf.randomNormal<tf.Rank.R2>([2, 10], 0, 1, 'float32', 1)
  const model = createModel('plain', { widths: [[4], [4]], seed: 1 })
  const optimizer: tf.Optimizer = tf.train.momentum(0.1, 0.9)
  const data = { train: imageSet(40), test: imageSet(20) }
  const tricks = [randomFlip(), cosineDecay()]
  const options: TrainOptions = { model, data, tricks, optimizer, epochs: 1, seed: 1 }
  const pixels = data.train.images as Uint8Array
  const picture = { pixels: pixels.slice(0, 3072), height: 32, width: 32, channels: 3 }
  const kernel: tf.Variable = tf.variable(tf.ones([2, 2]))
  return {
    images,
    targets,
    batch: { images, targets },
    labels: [3, 1],
    step: 7,
    seed: 1,
    mean: [0.5, 0.5, 0.5],
    deviation: [0.25, 0.25, 0.25],
    pixels,
    logits: logits.dataSync() as Float32Array,
    studentLogits: logits,
    teacherLogits: logits.mul<tf.Tensor2D>(2),
    x: images,
    kernel,
    otherKernel: tf.variable(tf.ones([3])),
    model,
    teacher: model,
    optimizer,
    data,
    loss: (some: tf.Tensor4D, their: tf.Tensor2D): tf.Scalar =>
      softmaxCrossEntropy(their, model.apply(some, { training: true }) as tf.Tensor2D),
    trainingImages: data.train,
    testImages: data.test,
    validationImages: data.test,
    tricks,
    options,
    classes: data.train.classes,
    sheet: { rows: [{ label: 'original', tiles: [{ pictures: [picture], captions: ['cat'] }] }] },
    one: { shape: [1], dtype: 'float32', data: [1] },
    two: { shape: [1], dtype: 'float32', data: [2] },
    /** An epoch at this rate, to its validation loss. */
    trainFor: (rate: number) => Promise.resolve(1 / rate),
  }
}
