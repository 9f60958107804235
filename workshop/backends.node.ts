// Runs before each test file in Node: all available backends, with `cpu` active.
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-layers'
import '@tricks/wasm-training'
import * as tf from '@tensorflow/tfjs-core'
import { testOnWebgpu } from './on-webgpu.ts'
import { findInstallation } from '../packages/backend/native/src/installation.ts'

if (findInstallation()) {
  await import('@tricks/native')
  await tf.setBackend('tensorflow')
}
const wanted = process.env['TRICKS_TEST_WEBGPU']
if (wanted) {
  // Imported here, as it registers the backend, which must be absent if nothing is to be tested on it.
  const { findAdapter } = await import('@tricks/webgpu')
  testOnWebgpu(wanted, await findAdapter())
}
await tf.setBackend('wasm')
await tf.setBackend('cpu')
