import * as tf from '@tensorflow/tfjs-core'
import { foldBatchNorm, pretrainedInputs } from '@tricks/models'
import { type PretrainedModel, unloaded } from '../recipes/pretrained.ts'

const images = 16

/**
 * Measures how many images per second a network computes features of on this machine, at its own size: the faster of
 * two batches, as the first includes set-up.
 *
 * @param side of the measured images, by default the network's own
 */
export async function measureSpeed(
  name: PretrainedModel,
  side: number = pretrainedInputs[name].size,
): Promise<number> {
  const model = unloaded(name, [side, side, 3], 2)
  const folded = foldBatchNorm(model)
  const batch = tf.zeros([images, side, side, 3])
  let best = 0
  for (let i = 0; i < 2; i++) {
    const began = performance.now()
    const logits = folded.predict(batch) as tf.Tensor
    await logits.data()
    logits.dispose()
    best = Math.max(best, images / ((performance.now() - began) / 1000))
  }
  batch.dispose()
  model.dispose()
  folded.dispose()
  return best * (side / pretrainedInputs[name].size) ** 2
}
