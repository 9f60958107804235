import * as tf from '@tensorflow/tfjs-core'
import { oneHot, softmaxCrossEntropy } from '@tricks/core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { splitHead } from '@tricks/features'
import { fitTemperature } from '@tricks/temperature-calibration'
import type { Subset, TrainResult } from '@tricks/train'

/**
 * Divides the weights of the last layer by the temperature fitted to the validation images, so that the probabilities
 * of the saved and of every exported model match their accuracy.
 *
 * @returns the temperature, and the result with calibrated logits; undefined without validation logits
 */
export async function calibrate(
  model: LayersModel,
  result: TrainResult,
  heldOut: Subset | undefined,
  testLabels: ArrayLike<number> | undefined,
): Promise<{ readonly temperature: number; readonly result: TrainResult } | undefined> {
  const { validationLogits, testLogits, validation, test } = result
  if (!validationLogits || !heldOut) return undefined
  const labels = heldOut.indices.map((index) => heldOut.set.labels[index]!)
  const temperature = fitTemperature({ logits: validationLogits, labels })
  const { head } = splitHead(model)
  tf.tidy(() => head.setWeights(head.getWeights().map((weight) => tf.div(weight, temperature))))
  const calibrated = (logits: Float32Array): Float32Array =>
    logits.map((logit) => logit / temperature)
  const ofValidation = calibrated(validationLogits)
  const ofTest = testLogits && calibrated(testLogits)
  return {
    temperature,
    result: {
      ...result,
      validationLogits: ofValidation,
      validation: { ...validation!, loss: await lossOf(ofValidation, labels) },
      ...(ofTest &&
        testLabels && {
          testLogits: ofTest,
          test: { ...test!, loss: await lossOf(ofTest, testLabels) },
        }),
    },
  }
}

async function lossOf(logits: Float32Array, labels: ArrayLike<number>): Promise<number> {
  const classes = logits.length / labels.length
  const loss = tf.tidy(() =>
    softmaxCrossEntropy(oneHot(labels, classes), tf.tensor2d(logits, [labels.length, classes])),
  )
  const [value] = await loss.data()
  loss.dispose()
  return value!
}
