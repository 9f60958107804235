import type * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import type { Variables } from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
import { alignOptimizer } from '@tricks/train'

/** A sequential model trains through another model that it creates when compiled. */
interface Compiled {
  readonly model?: Compiled
  readonly collectedTrainableWeights: readonly { read(): tf.Tensor }[]
}

/**
 * Aligns the optimizer with the variables that `fitDataset` trains, in its order.
 *
 * @throws Error if they are not the trainable ones, and as `alignOptimizer`
 */
export function alignWithFit(
  model: LayersModel,
  optimizer: tf.Optimizer,
  variables: Variables,
): void {
  const compiled = model as unknown as Compiled
  const fitted = (compiled.model ?? compiled).collectedTrainableWeights.map((weight) =>
    weight.read(),
  )
  const times = (variable: tf.Tensor): number => fitted.filter((each) => each === variable).length
  const trainable = trainableOf(variables)
  const wrong = Object.entries(variables).filter(
    ([path, variable]) => times(variable) !== (Object.hasOwn(trainable, path) ? 1 : 0),
  )
  if (wrong.length > 0)
    throw new Error(
      `fit: expected fitDataset to train exactly the trainable variables, each once, got ` +
        `${wrong.map(([path, variable]) => `${path} ${times(variable)} times`).join(', ')}. ` +
        `Call model.compile(fit.compile) after layers are frozen or unfrozen, and freeze the layers of a nested model ` +
        `themselves if it is the first of a sequential one. If a layer is shared, use train of @tricks/train.`,
    )
  const order = Object.entries(trainable).toSorted(
    ([, a], [, b]) => fitted.indexOf(a) - fitted.indexOf(b),
  )
  alignOptimizer(optimizer, { ...Object.fromEntries(order), ...variables })
}
