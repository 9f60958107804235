import type { LayersModel } from '@tensorflow/tfjs-layers'
import { trainableOf, variablesOf } from '@tricks/core/model'

/**
 * Counts a model's trainable parameters, without moving statistics and frozen weights.
 *
 * @example
 * countParameters(createModel('resnet-20')) // 269722
 */
export function countParameters(model: LayersModel): number {
  const trained = Object.values(trainableOf(variablesOf(model)))
  return trained.reduce((sum, variable) => sum + variable.size, 0)
}

/**
 * Counts the multiply-adds of a model's convolutions and dense layers for one image, which papers call FLOPs: each
 * value of a kernel is used once per output position.
 *
 * @example
 * countMultiplyAdds(createModel('resnet-20')) / 1e6 // 40.55
 */
export function countMultiplyAdds(model: LayersModel): number {
  return model.layers
    .flatMap(({ weights, outputShape }) =>
      weights
        .filter(({ originalName }) => originalName.endsWith('kernel'))
        .map(({ shape }) => size(shape) * size((outputShape as number[]).slice(1, -1))),
    )
    .reduce((sum, count) => sum + count, 0)
}

function size(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((product, length) => product * length!, 1)
}
