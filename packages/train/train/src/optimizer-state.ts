import * as tf from '@tensorflow/tfjs-core'
import type { Variables } from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
import { countersOf, listsOf, newSlot, ownerOf, setIterations } from '@tricks/optimizer'

/**
 * Saves an optimizer's state, by variable path and role (`block1/conv/kernel/accumulatedFirstMoment`).
 *
 * @returns tensors that the caller owns
 */
export async function saveOptimizer(
  optimizer: tf.Optimizer,
  variables: Variables,
): Promise<Record<string, tf.Tensor>> {
  if (listsOf(optimizer).length === 0) {
    const paths = new Map(Object.entries(variables).map(([path, { name }]) => [name, path]))
    const weights = await optimizer.getWeights()
    const saved = weights.map(({ name, tensor }) => [renamed(name, paths), tf.clone(tensor)])
    // Tensors that are neither variables nor kept by the optimizer were created for this call.
    const made = weights.map(({ tensor }) => tensor)
    tf.dispose(made.filter((tensor) => !(tensor instanceof tf.Variable || tensor.kept)))
    return Object.fromEntries(saved) as Record<string, tf.Tensor>
  }
  const paths = new Map(Object.entries(variables).map(([path, variable]) => [variable, path]))
  const slots = listsOf(optimizer).flatMap(([field, list]) =>
    list.map((slot) => [`${paths.get(ownerOf(slot)!)}/${field}`, slot.variable] as const),
  )
  return {
    iterations: tf.scalar(optimizer.iterations, 'int32'),
    ...Object.fromEntries(
      [...countersOf(optimizer), ...slots].map(([name, value]) => [name, tf.clone(value)]),
    ),
  }
}

/** @param state as returned by `saveOptimizer`, in this process or another; it is copied */
export async function restoreOptimizer(
  optimizer: tf.Optimizer,
  variables: Variables,
  state: Readonly<Record<string, tf.Tensor>>,
): Promise<void> {
  if (listsOf(optimizer).length === 0) {
    const names = new Map(Object.entries(variables).map(([path, { name }]) => [path, name]))
    const weights = Object.entries(state).map(([name, tensor]) => ({
      name: renamed(name, names),
      tensor,
    }))
    return optimizer.setWeights(weights)
  }
  setIterations(optimizer, (await state['iterations']!.data())[0]!)
  for (const [name, counter] of countersOf(optimizer)) counter.assign(state[name]!)
  const inOrder = Object.entries({ ...trainableOf(variables), ...variables })
  for (const [field, list] of listsOf(optimizer)) {
    tf.dispose(list.map(({ variable }) => variable))
    const slots = inOrder.flatMap(([path, variable]) => {
      const value = state[`${path}/${field}`]
      return value ? [newSlot(field, variable, value)] : []
    })
    list.splice(0, list.length, ...slots)
  }
}

interface Described {
  readonly dtype: string
  readonly shape: readonly number[]
}

/**
 * Whether saved tensors are a valid optimizer state for these variables: for those that the last step trained, and
 * possibly for some that were trained earlier.
 */
export function fits(
  optimizer: tf.Optimizer,
  variables: Variables,
  trained: Variables,
  state: Readonly<Record<string, Described>>,
): boolean {
  const shapes = new Map(Object.entries(variables).map(([path, { shape }]) => [path, shape.join()]))
  const slots = Object.entries(state).flatMap(([name, { shape, dtype }]) => {
    const path = ownerIn(name, shapes.keys())
    return path === undefined ? [] : [{ path, name, shape: shape.join(), dtype }]
  })
  const roles = listsOf(optimizer).map(([field]) => field)
  if (roles.length === 0)
    return slots.every(({ path, shape }) => shape === '' || shape === shapes.get(path))
  const numbers = ['iterations', ...countersOf(optimizer).map(([name]) => name)]
  const paths = new Set([...Object.keys(trained), ...slots.map(({ path }) => path)])
  const names = [...paths].flatMap((path) => roles.map((role) => `${path}/${role}`))
  return (
    numbers.every((name) => state[name]?.shape.length === 0) &&
    Object.keys(state).length === numbers.length + slots.length &&
    slots.every(
      ({ path, name, shape, dtype }) =>
        names.includes(name) && shape === shapes.get(path) && dtype === 'float32',
    ) &&
    (slots.length === 0 || slots.length === names.length)
  )
}

/** @throws Error for an optimizer that can't be saved and restored */
export async function checkSavable(optimizer: tf.Optimizer): Promise<void> {
  if (listsOf(optimizer).length > 0) return
  try {
    tf.dispose(await saveOptimizer(optimizer, {}))
    if (optimizer.setWeights === tf.Optimizer.prototype.setWeights)
      throw new Error('it has no setWeights')
  } catch (error) {
    throw new Error(
      `train: expected optimizer to be one that can be saved, for checkpoints, got ` +
        `${optimizer.getClassName()} (${(error as Error).message}). Disable checkpoints, or implement ` +
        `getWeights and setWeights.`,
      { cause: error },
    )
  }
}

/** Replaces the prefix of a name by the value that `names` has for it. */
function renamed(name: string, names: ReadonlyMap<string, string>): string {
  const owner = ownerIn(name, names.keys())
  return owner === undefined ? name : `${names.get(owner)}${name.slice(owner.length)}`
}

/** The longest match, as one variable's path may be the prefix of another's. */
const ownerIn = (name: string, owners: Iterable<string>): string | undefined =>
  [...owners]
    .filter((owner) => name.startsWith(`${owner}/`))
    .toSorted((a, b) => b.length - a.length)[0]
