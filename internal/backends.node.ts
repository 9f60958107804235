// Before each test file in Node: every backend present, `cpu` current.
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
if (wanted) await testOnWebgpu(wanted)
await tf.setBackend('wasm')
await tf.setBackend('cpu')
