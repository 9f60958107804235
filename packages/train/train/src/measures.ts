import * as tf from '@tensorflow/tfjs-core'
import type { Metrics } from '@tricks/core'

/** What a step leaves on the device. */
export interface Measures {
  /** Loss and accuracy. */
  readonly metrics: tf.Tensor1D
  /** The sum of each trainable variable's gradient, which is NaN or infinite if a value of it is. */
  readonly gradientSums: tf.Tensor1D
}

/** The same, read. */
export interface Measured {
  readonly metrics: Metrics
  /** In the order of the trainable variables. */
  readonly gradientSums: Float32Array
}

/** Reads the measures of several steps at once, as a read waits for the device, and disposes them. */
export async function readMeasures(steps: readonly Measures[]): Promise<Measured[]> {
  const all = tf.concat1d(steps.flatMap(({ metrics, gradientSums }) => [metrics, gradientSums]))
  const values = (await all.data()) as Float32Array
  tf.dispose([all, steps as unknown as tf.TensorContainerArray])
  const width = values.length / steps.length
  return steps.map((_, i) => {
    const [loss, accuracy, ...sums] = values.subarray(i * width, (i + 1) * width)
    return { metrics: { loss: loss!, accuracy: accuracy! }, gradientSums: Float32Array.from(sums) }
  })
}

/** Whether all of it is finite. */
export const isFinite = ({ metrics, gradientSums }: Measured): boolean =>
  Number.isFinite(metrics.loss) &&
  Number.isFinite(metrics.accuracy) &&
  gradientSums.every((sum) => Number.isFinite(sum))
