import * as tf from '@tensorflow/tfjs-core'
import type { Metrics } from '@tricks/core'

/** A step's results on the device. */
export interface Measures {
  /** Loss and accuracy. */
  readonly metrics: tf.Tensor1D
  /** The sum of each trainable variable's gradient; NaN or infinite if one of its values is. */
  readonly gradientSums: tf.Tensor1D
}

/** A step's results on the host. */
export interface Measured {
  readonly metrics: Metrics
  /** In the order of the trainable variables. */
  readonly gradientSums: Float32Array
}

/** Reads the results of several steps at once, as each read waits for the device, and disposes them. */
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

/** Whether all results are finite. */
export const isFinite = ({ metrics, gradientSums }: Measured): boolean =>
  Number.isFinite(metrics.loss) &&
  Number.isFinite(metrics.accuracy) &&
  gradientSums.every((sum) => Number.isFinite(sum))
