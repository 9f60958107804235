import type * as tf from '@tensorflow/tfjs-core'
import { numberOf } from './behind-batch-norm.ts'
import { type Call, execute, opsTake, whole } from './op.ts'

/** Activations that are computed in the same pass. */
export const rectifiers: Readonly<Record<string, 'none' | 'relu' | 'relu6'>> = {
  linear: 'none',
  relu: 'relu',
  relu6: 'relu6',
}

/** `y` with its bias and rectifier, in one pass if our ops support it. */
export function addBias(
  call: Call,
  y: tf.Tensor,
  bias: tf.Tensor,
  activation = 'linear',
): tf.Tensor | undefined {
  const rectifier = rectifiers[activation]
  if (!rectifier || bias.rank !== 1 || bias.size !== y.shape.at(-1) || !opsTake(y)) return undefined
  const attrs = { activation: whole(numberOf(rectifier)) }
  return execute(call, 'TricksAddBias', [y, bias], attrs)[0]!
}
