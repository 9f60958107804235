// Encodes the tricks' states for a checkpoint: JSON, with marked tensors and typed arrays.
import * as tf from '@tensorflow/tfjs-core'
import type { Json, State } from '@tricks/core'

const tensorKey = '$tensor'
const arrayKey = '$array'
const arrays = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
} as const
type ArrayName = keyof typeof arrays

/** Encodes a state as JSON; each tensor moves to `held` and is replaced by its name. */
export function encodeState(state: unknown, path: string, held: Record<string, tf.Tensor>): Json {
  if (state instanceof tf.Tensor) {
    held[path] = state
    return { [tensorKey]: path }
  }
  if (ArrayBuffer.isView(state))
    return {
      [arrayKey]: state.constructor.name,
      values: Array.from(state as Float64Array, (value) =>
        Number.isFinite(value) ? value : String(value),
      ),
    }
  if (Array.isArray(state))
    return state.map((each, i) => encodeState(each as unknown, `${path}/${i}`, held))
  if (typeof state !== 'object' || state === null) return state as Json
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name,
      encodeState(value as unknown, `${path}/${name}`, held),
    ]),
  )
}

/** Decodes a state, given the restored tensors. */
export function decodeState(
  state: Json | undefined,
  made: Readonly<Record<string, tf.Tensor>>,
): unknown {
  if (typeof state !== 'object' || state === null) return state
  if (Array.isArray(state)) return state.map((each: Json) => decodeState(each, made))
  const { [tensorKey]: name, [arrayKey]: array, values } = state as Readonly<Record<string, Json>>
  if (name !== undefined) {
    if (typeof name !== 'string' || !Object.hasOwn(made, name))
      throw new Error(`the tensor ${JSON.stringify(name)} is missing`)
    return made[name]
  }
  if (array !== undefined) {
    if (typeof array !== 'string' || !Object.hasOwn(arrays, array) || !Array.isArray(values))
      throw new Error(`${JSON.stringify(array)} is not an array`)
    return arrays[array as ArrayName].from(values.map(Number))
  }
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => [key, decodeState(value, made)]),
  )
}

/**
 * Validates untrusted states: each must have the form that it has at the start of a run.
 *
 * @throws Error naming the first mismatch
 */
export function checkState(saved: unknown, fresh: unknown, path = 'tricks'): void {
  const [expected, got] = [formOf(fresh), formOf(saved)]
  if (expected !== got) throw new Error(`expected ${path} to be ${expected}, got ${got}`)
  if (expected !== 'an object') return
  for (const [name, value] of Object.entries(fresh as State))
    checkState((saved as State)[name], value, `${path}/${name}`)
}

function formOf(value: unknown): string {
  if (value instanceof tf.Tensor) return 'a tensor'
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`
  if (Array.isArray(value)) return 'a list'
  if (value === undefined) return 'nothing'
  // A value that is null at first may be a number or text later.
  return typeof value === 'object' && value !== null ? 'an object' : 'a value'
}
