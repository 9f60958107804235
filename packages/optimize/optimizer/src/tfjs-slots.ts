import * as tf from '@tensorflow/tfjs-core'

/** What a tfjs optimizer keeps of a variable; its name begins with the variable's. */
export interface Slot {
  readonly originalName: string
  readonly variable: tf.Variable
}

/**
 * tfjs's optimizers keep their slots in lists, the i-th of the i-th variable that they are given, and their counters
 * apart. No other way leads to all of them: Adamax has no `getWeights`, Adam's leaves its counters out.
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
/** Of Adam and Adamax: recomputed from the count of steps they would differ in their last bits. */
const counters = ['accBeta1', 'accBeta2', 'iteration']

export const internalsOf = (optimizer: tf.Optimizer): Internals => optimizer as unknown as Internals

/**
 * The slot lists by field; empty for SGD and for optimizers that are not tfjs's.
 *
 * @example
 * for (const [field, list] of listsOf(optimizer)) console.log(field, list.length)
 */
export function listsOf(optimizer: tf.Optimizer): [string, Slot[]][] {
  const own = internalsOf(optimizer)
  // RMSProp has the list whether it fills it or not.
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

/** Sets what `optimizer.iterations` gives. */
export const setIterations = (optimizer: tf.Optimizer, count: number): void =>
  void Object.assign(optimizer, { iterations_: count })

/** Whose each slot is. A name alone may be that of a variable which was disposed since. */
const owners = new WeakMap<tf.Variable, tf.Variable>()

export const nameOf = ({ originalName }: Slot): string =>
  originalName.slice(0, originalName.lastIndexOf('/'))

export const ownerOf = (slot: Slot): tf.Variable | undefined =>
  owners.get(slot.variable) ?? tf.engine().registeredVariables[nameOf(slot)]

export const claim = ({ variable }: Slot, owner: tf.Variable): void =>
  void owners.set(variable, owner)

/**
 * A slot of a variable, for one of the lists.
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
