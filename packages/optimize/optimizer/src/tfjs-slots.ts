import * as tf from '@tensorflow/tfjs-core'

/** A tfjs optimizer's state of a variable; its name starts with the variable's. */
export interface Slot {
  readonly originalName: string
  readonly variable: tf.Variable
}

/**
 * tfjs's optimizers keep their slots in lists, in the order of the variables, and their counters separately. There is
 * no public access to all of them: Adamax has no `getWeights`, and Adam's omits its counters.
 */
interface Internals {
  readonly initialAccumulatorValue?: number
  readonly centered?: boolean
  readonly [field: string]: unknown
}
const lists = [
  'accumulations',
  'accumulatedFirstMoment',
  'accumulatedSecondMoment',
  'accumulatedWeightedInfNorm',
  'accumulatedMeanSquares',
  'accumulatedMoments',
  'accumulatedMeanGrads',
  'accumulatedGrads',
  'accumulatedUpdates',
]
/** Counters of Adam and Adamax. Recomputed from the step count, they would differ in their last bits. */
const counters = ['accBeta1', 'accBeta2', 'iteration']

export const internalsOf = (optimizer: tf.Optimizer): Internals => optimizer as unknown as Internals

/**
 * The slot lists by field; empty for SGD and for optimizers outside tfjs.
 *
 * @example
 * for (const [field, list] of listsOf(optimizer)) console.log(field, list.length)
 */
export function listsOf(optimizer: tf.Optimizer): [string, Slot[]][] {
  const own = internalsOf(optimizer)
  // RMSProp has the list even if it is unused.
  const used = lists.filter((field) => field !== 'accumulatedMeanGrads' || own.centered)
  return used.flatMap((field) => {
    const list = own[field]
    return Array.isArray(list) ? [[field, list as Slot[]]] : []
  })
}

export const countersOf = (optimizer: tf.Optimizer): [string, tf.Variable][] =>
  counters.flatMap((name) => {
    const value = internalsOf(optimizer)[name]
    return value instanceof tf.Variable ? [[name, value]] : []
  })

/** Sets `optimizer.iterations`. */
export const setIterations = (optimizer: tf.Optimizer, count: number): void =>
  void Object.assign(optimizer, { iterations_: count })

/** The owner of each slot. A name is not enough, as it may have been that of a disposed variable. */
const owners = new WeakMap<tf.Variable, tf.Variable>()

export const nameOf = ({ originalName }: Slot): string =>
  originalName.slice(0, originalName.lastIndexOf('/'))

export const ownerOf = (slot: Slot): tf.Variable | undefined =>
  owners.get(slot.variable) ?? tf.engine().registeredVariables[nameOf(slot)]

export const claim = ({ variable }: Slot, owner: tf.Variable): void =>
  void owners.set(variable, owner)

/**
 * Creates a slot of a variable for one of the lists.
 *
 * @param value remains the caller's
 * @example
 * const slot = newSlot('accumulations', kernel, tf.zerosLike(kernel))
 */
export function newSlot(
  role: string,
  owner: tf.Variable | { readonly name: string },
  value: tf.Tensor,
): Slot {
  const slot = { originalName: `${owner.name}/${role}`, variable: tf.variable(value, false) }
  if (owner instanceof tf.Variable) claim(slot, owner)
  return slot
}
