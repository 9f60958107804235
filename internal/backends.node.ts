// Before each test file in Node: every backend present, `cpu` current.
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-layers'
import '@tricks/wasm-training'
import * as tf from '@tensorflow/tfjs-core'

await tf.setBackend('wasm')
await tf.setBackend('cpu')
