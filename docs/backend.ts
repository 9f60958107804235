// The wasm backend, which every browser has. Imported on demand, in a page or in a worker.
import '@tricks/wasm-training'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threadedSimd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'
import * as tf from '@tensorflow/tfjs-core'

setWasmPaths({
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threadedSimd,
})

/** Starts the wasm backend, once. */
export async function startWasm(): Promise<void> {
  if (!(await tf.setBackend('wasm')))
    throw new Error(
      'WebAssembly with SIMD did not start in this browser. Update it, or try another one.',
    )
}
