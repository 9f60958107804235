import * as tf from '@tensorflow/tfjs-core'

type Node = Record<string, unknown>

/** A list or a plain object: what a state is made of, besides values. */
const isNode = (value: unknown): value is Node =>
  Array.isArray(value) || (value as object | null | undefined)?.constructor === Object

/** A copy of a state, in which `change` maps each tensor. */
export function copyState<T>(state: T, change: (tensor: tf.Tensor) => unknown): T {
  if (state instanceof tf.Tensor) return change(state) as T
  if (Array.isArray(state)) return state.map((each: unknown) => copyState(each, change)) as T
  if (isNode(state))
    return Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name, copyState(value, change)]),
    ) as T
  return (ArrayBuffer.isView(state) ? (state as unknown as Uint8Array).slice() : state) as T
}

/**
 * Takes over the tensors that a hook put into a state, and disposes those that it took out. The state holds clones, so
 * a model's variable in it stays the model's.
 *
 * @param owned the tensors that the state held before
 * @returns those that it holds now
 */
export function adopt(state: unknown, owned: ReadonlySet<tf.Tensor>): Set<tf.Tensor> {
  const held = new Set<tf.Tensor>()
  const visit = (value: unknown): unknown => {
    if (value instanceof tf.Tensor) {
      const own = owned.has(value) && !held.has(value) ? value : tf.keep(tf.clone(value))
      held.add(own)
      return own
    }
    if (isNode(value))
      for (const [name, inner] of Object.entries(value)) {
        const own = visit(inner)
        if (own !== inner) value[name] = own
      }
    return value
  }
  visit(state)
  for (const tensor of owned) if (!held.has(tensor)) tensor.dispose()
  return held
}
