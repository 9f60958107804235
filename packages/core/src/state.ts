import * as tf from '@tensorflow/tfjs-core'

/** Copies a state, including nested lists and objects, mapping each value by `change`. */
export function mapState<T>(state: T, change: (value: unknown) => unknown): T {
  if (Array.isArray(state)) return state.map((each: unknown) => mapState(each, change)) as T
  const plain = Object(state) === state && Object.getPrototypeOf(state) === Object.prototype
  if (!plain) return change(state) as T
  return Object.fromEntries(
    Object.entries(state as object).map(([name, value]) => [
      name,
      mapState(value as unknown, change),
    ]),
  ) as T
}

/** An independent copy: no tensor or array is shared. */
export const copied = (value: unknown): unknown =>
  value instanceof tf.Tensor
    ? tf.clone(value)
    : ArrayBuffer.isView(value)
      ? (value as Uint8Array).slice()
      : value

/** A state that owns its tensors. */
export interface Owned<T> {
  readonly state: T
  readonly tensors: ReadonlySet<tf.Tensor>
}

/**
 * Takes ownership of the tensors that a hook put into a state and disposes those that it removed. The state holds
 * clones, so a model's variable in it remains the model's.
 */
export function own<T>(state: T, before: ReadonlySet<tf.Tensor>): Owned<T> {
  const tensors = new Set<tf.Tensor>()
  const held = mapState(state, (value) => {
    if (!(value instanceof tf.Tensor)) return value
    const tensor = before.has(value) && !tensors.has(value) ? value : tf.keep(tf.clone(value))
    tensors.add(tensor)
    return tensor
  })
  for (const tensor of before) if (!tensors.has(tensor)) tensor.dispose()
  return { state: held, tensors }
}
