import * as tf from '@tensorflow/tfjs-core'
import type { Variables } from '@tricks/core'

/**
 * What can be trained: a tfjs-layers model, or anything with `apply` and `variables`.
 *
 * `apply` gets normalised images, `[batch, height, width, channels]`, and gives logits,
 * `[batch, classes]`. Every layer's `call` gets the same keyword arguments: `training`, and in training
 * `seed`, `step` and `first` (the place of the first image in the step's batch), which a layer that draws makes its
 * draws from.
 */
export interface Model {
  apply(images: tf.Tensor, options: ApplyOptions): unknown
  readonly layers?: readonly Layer[]
  readonly variables?: Variables
  /** What tfjs-layers' own regularizers add to the loss. */
  calculateLosses?(): tf.Scalar[]
}

export interface ApplyOptions {
  readonly training: boolean
  readonly seed?: number
  readonly step?: number
  readonly first?: number
  readonly [name: string]: unknown
}

export interface Layer {
  readonly name: string
  readonly weights: readonly { readonly originalName: string; read(): tf.Tensor }[]
  readonly layers?: readonly Layer[]
  getClassName(): string
}

/**
 * A model's variables by layer path and role, `block1/conv/kernel`, in the layers' order.
 *
 * A layer without a name of its own gets one from tfjs that counts all the layers that the process made;
 * here it counts those of the model, so that the same model has the same paths wherever it was built.
 *
 * @throws Error for a model without variables
 * @example
 * Object.keys(variablesOf(model))
 */
export function variablesOf(model: Model): Variables {
  if (model.variables) return model.variables
  const variables: Record<string, tf.Variable> = {}
  const visit = (layers: readonly Layer[], prefix: string): void => {
    const unnamed = new Map<string, number>()
    for (const layer of layers) {
      const kind = layer.getClassName()
      let name = layer.name
      if (new RegExp(`^[a-z0-9_]+_${kind}\\d+$`).test(name)) {
        const count = (unnamed.get(kind) ?? 0) + 1
        unnamed.set(kind, count)
        name = `${kind}-${count}`
      }
      const path = `${prefix}${name}`
      if (layer.layers) {
        visit(layer.layers, `${path}/`)
        continue
      }
      for (const weight of layer.weights) {
        const own = `${path}/${weight.originalName.replace(`${layer.name}/`, '')}`
        let unique = own
        for (let i = 2; unique in variables; i++) unique = `${own}-${i}`
        variables[unique] = weight.read() as tf.Variable
      }
    }
  }
  visit(model.layers ?? [], '')
  if (Object.keys(variables).length === 0)
    throw new Error(
      'train: the model has no variables: pass a tfjs-layers model, or { apply, variables }',
    )
  return variables
}

/** The model's logits; an error where what it gives is none. */
export function logitsOf(
  model: Model,
  images: tf.Tensor4D,
  classes: number,
  options: ApplyOptions,
): tf.Tensor2D {
  const logits = model.apply(images, options)
  const shape = logits instanceof tf.Tensor ? logits.shape : undefined
  if (shape?.length !== 2 || shape[0] !== images.shape[0] || shape[1] !== classes)
    throw new Error(
      `train: expected the model to give logits [${images.shape[0]}, ${classes}], ` +
        `got ${shape ? `[${shape.join(', ')}]` : typeof logits}: ` +
        `end it in a dense layer of ${classes} units, one a class`,
    )
  return logits as tf.Tensor2D
}
