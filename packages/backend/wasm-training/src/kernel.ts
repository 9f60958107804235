import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'

/** What tfjs hands to a kernel: tensors known by data id, shape and dtype. */
export type Info = tf.TensorInfo
export type Attributes = Record<string, unknown>
export interface Call {
  readonly inputs: Record<string, Info | undefined>
  readonly attrs: Attributes
  readonly backend: BackendWasm
}
export type Kernel = (call: Call) => Info | Info[]

/** Registers a wasm kernel, in place of tfjs's own where there is one, which `make` is given. */
export function extend(kernelName: string, make: (original: Kernel) => Kernel): void {
  const config = tf.getKernel(kernelName, 'wasm')
  if (config) tf.unregisterKernel(kernelName, 'wasm')
  const original: Kernel = config
    ? (config.kernelFunc as unknown as Kernel)
    : () => {
        throw new Error(`wasm-training: tfjs-backend-wasm has no kernel ${kernelName}`)
      }
  const kernelFunc = make(original) as unknown as tf.KernelFunc
  tf.registerKernel({ ...config, kernelName, backendName: 'wasm', kernelFunc })
}

/** Runs another wasm kernel on plain tensor infos, outside the engine's scopes: the caller disposes. */
export function run(
  call: Call,
  name: string,
  inputs: Record<string, Info>,
  attrs: Attributes,
): Info {
  const config = tf.getKernel(name, 'wasm')
  if (!config) throw new Error(`wasm-training: tfjs-backend-wasm has no kernel ${name}`)
  return (config.kernelFunc as unknown as Kernel)({ inputs, attrs, backend: call.backend }) as Info
}

export function input(call: Call, name: string): Info {
  const info = call.inputs[name]
  if (!info) throw new Error(`wasm-training: a kernel misses its input ${name}`)
  return info
}

/**
 * A view of a float32 tensor's values in the heap. The next allocation may grow the heap and detach it:
 * make all outputs first, then the views.
 */
export function floats(call: Call, info: Info): Float32Array {
  return call.backend.typedArrayFromHeap(info) as Float32Array
}

export function makeOutput(
  call: Call,
  shape: readonly number[],
  dtype: tf.DataType = 'float32',
): Info {
  return call.backend.makeOutput([...shape], dtype)
}

/** The same data under another shape: it owns nothing and must not be disposed. */
export function reshaped(info: Info, shape: number[]): Info {
  return { dataId: info.dataId, dtype: info.dtype, shape }
}
