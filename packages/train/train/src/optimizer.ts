import * as tf from '@tensorflow/tfjs-core'
import type { Variables } from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
import {
  claim,
  countersOf,
  internalsOf,
  listsOf,
  nameOf,
  newSlot,
  ownerOf,
} from '@tricks/optimizer'

/**
 * Aligns an optimizer with a model's trainable variables: each variable keeps its state, and newly unfrozen ones start
 * without state. tfjs's optimizers identify variables only by position and would otherwise use another variable's
 * state.
 *
 * @param trained the variables of the next update; by default all trainable ones
 * @throws Error for an optimizer with the state of another model, and for Adam and Adamax if variables are added
 * @example
 * for (const layer of model.layers) layer.trainable = true
 * alignOptimizer(optimizer, variablesOf(model))
 */
export function alignOptimizer(
  optimizer: tf.Optimizer,
  variables: Variables,
  trained: Variables = trainableOf(variables),
): void {
  checkAlive(optimizer)
  const kind = optimizer.getClassName()
  const known = new Set(Object.values(variables))
  for (const [field, list] of listsOf(optimizer)) {
    if (list.length === 0) continue
    const slots = new Map(list.map((slot) => [ownerOf(slot), slot]))
    const others = list.filter((slot) => !known.has(ownerOf(slot)!))
    if (others.length > 0)
      throw new Error(
        `train: expected optimizer to be new or to have trained this model, got ${kind} with the state of ` +
          `${shortened(others.map(nameOf))}, which are not among the model's variables ` +
          `(${shortened(Object.keys(variables))}). Create a new optimizer for each model.`,
      )
    const joined = Object.entries(trained).filter(([, variable]) => !slots.has(variable))
    if (joined.length > 0 && countersOf(optimizer).length > 0)
      throw new Error(
        `train: expected optimizer to be new or to have trained the same layers, got ${kind} without the state of ` +
          `${shortened(joined.map(([path]) => path))}, and its step count is shared by all variables, so ` +
          `the updates of new ones would be too large. Create a new optimizer after unfreezing layers.`,
      )
    const initial = internalsOf(optimizer).initialAccumulatorValue ?? 0
    for (const [, variable] of joined) {
      const value = tf.fill(variable.shape, initial)
      slots.set(variable, newSlot(field, variable, value))
      value.dispose()
    }
    const first = Object.values(trained).map((variable) => slots.get(variable)!)
    list.splice(0, list.length, ...first, ...list.filter((slot) => !first.includes(slot)))
  }
}

function checkAlive(optimizer: tf.Optimizer): void {
  const slots = listsOf(optimizer).flatMap(([, list]) => list.map(({ variable }) => variable))
  const dead = [...Object.values(optimizer), ...slots].some(
    (each) => each instanceof tf.Tensor && each.isDisposed,
  )
  if (dead)
    throw new Error(
      `train: expected optimizer to hold its tensors, got ${optimizer.getClassName()} that was disposed. Create a new ` +
        `one, outside tf.tidy.`,
    )
}

const shortened = (names: readonly string[]): string =>
  names.length > 4
    ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
    : names.join(', ')

/** Updates in the order of the variables, without gaps, as an optimizer may identify them by position. */
export function applyGradients(
  optimizer: tf.Optimizer,
  variables: Variables,
  gradients: Readonly<Record<string, tf.Tensor>>,
  trained: Variables = trainableOf(variables),
): void {
  alignOptimizer(optimizer, variables, trained)
  const updated = Object.entries(trained)
  optimizer.applyGradients(updated.map(([path, { name }]) => ({ name, tensor: gradients[path]! })))
  for (const [, list] of listsOf(optimizer))
    updated.forEach(([, variable], i) => claim(list[i]!, variable))
}
