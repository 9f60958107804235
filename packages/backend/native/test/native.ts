import * as tf from '@tensorflow/tfjs-core'
import type { NativeBackend } from '../src/backend.ts'

/** Whether the backend is installed; the tests' set-up then has registered it. */
export const installed: boolean = tf.findBackendFactory('tensorflow') !== null

/** Records the names of the ops that TensorFlow runs, until it is stopped. */
export function recordOps(): { readonly names: readonly string[]; stop(): readonly string[] } {
  const backend = tf.backend() as NativeBackend
  const { binding } = backend
  const names: string[] = []
  const recording: PropertyDescriptorMap = {
    executeOp: {
      value: (...call: Parameters<typeof binding.executeOp>) => {
        names.push(call[0])
        return binding.executeOp(...call)
      },
    },
  }
  for (const name of ['createTensor', 'deleteTensor', 'tensorDataSync'] as const)
    recording[name] = { value: binding[name].bind(binding) }
  Object.assign(backend, { binding: Object.create(binding, recording) as typeof binding })
  return {
    names,
    stop() {
      Object.assign(backend, { binding })
      return names
    },
  }
}
