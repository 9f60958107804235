import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { oneHot, softmaxCrossEntropy } from '@tricks/core'

/** Eight images of noise around different colours, which a working network memorises at once. */
export function examples(model: LayersModel): { images: tf.Tensor4D; targets: tf.Tensor2D } {
  const [, height, width, channels] = model.inputs[0]!.shape as number[]
  return tf.tidy(() => {
    const noise = tf.randomNormal([8, height!, width!, channels!], 0, 0.5, 'float32', 3)
    const images = tf.add(noise, tf.randomNormal([8, 1, 1, channels!], 0, 1, 'float32', 4))
    const labels = Array.from({ length: 8 }, (_, i) => i % model.outputs[0]!.shape[1]!)
    return {
      images: images as tf.Tensor4D,
      targets: oneHot(labels, model.outputs[0]!.shape[1]!),
    }
  })
}

export interface Step {
  readonly loss: number
  /** The largest gradient of each variable, by name. */
  readonly gradients: Readonly<Record<string, number>>
}

/** Takes steps of gradient descent on the eight images, with tfjs only. */
export function descend(
  model: LayersModel,
  { steps = 2, rate = 0.05 }: { steps?: number; rate?: number } = {},
): Step[] {
  const optimizer = tf.train.sgd(rate)
  const { images, targets } = examples(model)
  const variables = model.trainableWeights.map(
    (weight) => [weight.originalName, weight.read() as tf.Variable] as const,
  )
  const done = Array.from({ length: steps }, () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => softmaxCrossEntropy(targets, model.apply(images, { training: true }) as tf.Tensor2D),
        variables.map(([, variable]) => variable),
      )
      optimizer.applyGradients(grads)
      const gradients = variables.map(([name, variable]) => [
        name,
        tf.max(tf.abs(grads[variable.name]!)).dataSync()[0]!,
      ])
      return {
        loss: value.dataSync()[0]!,
        gradients: Object.fromEntries(gradients) as Record<string, number>,
      }
    }),
  )
  tf.dispose([images, targets])
  return done
}

export function withModel<Result>(
  model: LayersModel,
  check: (model: LayersModel) => Result,
): Result {
  try {
    return check(model)
  } finally {
    model.dispose()
  }
}
