// Runs before each test file in a browser: all available backends, with `cpu` active.
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-layers'
import '@tricks/wasm-training'
import { findAdapter } from '@tricks/webgpu'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threadedSimd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { beforeEach, expect } from 'vitest'
import { testOnWebgpu } from './on-webgpu.ts'

setWasmPaths({
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threadedSimd,
})
tf.env().set('WEBGPU_SOFTWARE', true)
// A software device is twice as slow in a page as in Node, where the tricks are tested on it: pages only run WebGPU's
// own tests.
const wanted = import.meta.env['TRICKS_TEST_WEBGPU']
const adapter = wanted ? await findAdapter().catch(() => undefined) : undefined
const isOwnTest = /backend\/webgpu\//.test(expect.getState().testPath ?? '')
if (wanted && adapter && (isOwnTest || wanted === 'all' || !adapter.software))
  testOnWebgpu(wanted, adapter)
else tf.removeBackend('webgpu')
await tf.setBackend('wasm')
await tf.setBackend('cpu')

// A page reads WebGPU's tensors synchronously through a canvas, which makes it lose a software device.
beforeEach(({ skip }) => {
  if (tf.getBackend() !== 'webgpu') return
  const backend = tf.backend() as WebGPUBackend
  const { readSync } = Object.getPrototypeOf(backend) as WebGPUBackend
  backend.readSync = (id) =>
    backend.tensorMap.get(id).values
      ? readSync.call(backend, id)
      : skip('not on WebGPU in a page: it reads a tensor synchronously')
})
