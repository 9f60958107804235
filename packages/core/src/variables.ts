import type * as tf from '@tensorflow/tfjs-core'
import type { Variables } from './trick.ts'

/** The parts of a tfjs-layers layer that concern variables. A layer with `layers` is a nested model. */
export interface Layer {
  readonly name: string
  readonly trainable: boolean
  readonly weights: readonly LayerWeight[]
  readonly trainableWeights: readonly LayerWeight[]
  readonly layers?: readonly Layer[]
  getClassName(): string
}

interface LayerWeight {
  readonly originalName: string
  read(): tf.Tensor
}

/** Anything with variables: a tfjs-layers model, or an object that lists its own by path. */
export interface Layered {
  readonly layers?: readonly Layer[]
  readonly trainable?: boolean
  readonly variables?: Variables
}

/** The owners of the variables of tfjs-layers models. Looked up on each call, as layers may be frozen and unfrozen. */
const homes = new WeakMap<tf.Variable, readonly Home[]>()

/** A weight's layer and the models around it. */
interface Home {
  readonly weight: LayerWeight
  readonly layer: Layer
  readonly models: readonly Layered[]
}

/**
 * A model's variables by layer path and role, `block1/conv/kernel`, in the layers' order.
 *
 * A layer without an explicit name gets one from tfjs that counts all layers created by the process; here it counts
 * those of the model, so that the same model always has the same paths. A layer shared by two nested models is listed
 * once, under the first.
 *
 * @throws Error for a model without variables
 * @example
 * Object.keys(variablesOf(model))
 */
export function variablesOf(model: Layered): Variables {
  if (model.variables) return model.variables
  const variables: Record<string, tf.Variable> = {}
  const found = new Map<tf.Variable, Home[]>()
  const visit = (layers: readonly Layer[], prefix: string, models: readonly Layered[]): void => {
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
        visit(layer.layers, `${path}/`, [...models, layer])
        continue
      }
      for (const weight of layer.weights) {
        const variable = weight.read() as tf.Variable
        const known = found.get(variable)
        found.set(variable, [...(known ?? []), { weight, layer, models }])
        if (known) continue
        const own = `${path}/${weight.originalName.replace(`${layer.name}/`, '')}`
        let unique = own
        for (let i = 2; unique in variables; i++) unique = `${own}-${i}`
        variables[unique] = variable
      }
    }
  }
  visit(model.layers ?? [], '', [model])
  if (found.size === 0)
    throw new Error(
      'variablesOf: the model has no variables: pass a tfjs-layers model, or { apply, variables }',
    )
  for (const [variable, paths] of found) homes.set(variable, paths)
  return variables
}

/**
 * The trainable variables among a model's: no frozen layers, no statistics. All code that needs the trainable ones
 * calls this function.
 *
 * A variable of a tfjs-layers model, once listed by `variablesOf`, is trainable if its layer and every enclosing model
 * are trainable and it is among the layer's trainable weights, as in `model.fit`. `variable.trainable` alone is not
 * reliable, as tfjs resets it when it builds a sequential model on first use. For other variables it decides.
 *
 * @example
 * for (const layer of model.layers.slice(0, -1)) layer.trainable = false
 * Object.keys(trainableOf(variablesOf(model)))
 */
export function trainableOf(variables: Variables): Variables {
  const trains = (variable: tf.Variable): boolean =>
    variable.trainable &&
    (homes.get(variable) ?? []).every(
      ({ weight, layer, models }) =>
        [layer, ...models].every(({ trainable = true }) => trainable) &&
        layer.trainableWeights.includes(weight),
    )
  return Object.fromEntries(Object.entries(variables).filter(([, variable]) => trains(variable)))
}
