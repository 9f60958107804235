import * as tf from '@tensorflow/tfjs-core'

/** A tensor that a tfjs optimizer keeps for a variable; its name begins with the variable's. */
export interface Slot {
  readonly originalName: string
  readonly variable: tf.Variable
}

/**
 * tfjs's optimizers keep slots in lists by variable position, and counters separately. There is no public way to read
 * them all: Adamax has no `getWeights`, and Adam's omits the counters.
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
/** For Adam and Adamax: recomputed from the step count they would differ in the last bits. */
const counters = ['accBeta1', 'accBeta2', 'iteration']

export const internalsOf = (optimizer: tf.Optimizer): Internals => optimizer as unknown as Internals

/** The slot lists by field; empty for SGD and for optimizers that are not tfjs's. */
export function listsOf(optimizer: tf.Optimizer): [string, Slot[]][] {
  const own = internalsOf(optimizer)
  // RMSProp has the list even if it doesn't use it.
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

/** Sets the value of `optimizer.iterations`. */
export const setIterations = (optimizer: tf.Optimizer, count: number): void =>
  void Object.assign(optimizer, { iterations_: count })

/** The variable that each slot belongs to. A name may be that of a disposed variable. */
const owners = new WeakMap<tf.Variable, tf.Variable>()

export const nameOf = ({ originalName }: Slot): string =>
  originalName.slice(0, originalName.lastIndexOf('/'))

export const ownerOf = (slot: Slot): tf.Variable | undefined =>
  owners.get(slot.variable) ?? tf.engine().registeredVariables[nameOf(slot)]

export const claim = ({ variable }: Slot, owner: tf.Variable): void =>
  void owners.set(variable, owner)

/** @param value remains the caller's */
export function newSlot(role: string, owner: tf.Variable, value: tf.Tensor): Slot {
  const slot = { originalName: `${owner.name}/${role}`, variable: tf.variable(value, false) }
  claim(slot, owner)
  return slot
}
