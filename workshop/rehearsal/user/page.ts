import * as tf from '@tensorflow/tfjs'
import '@tricks/wasm-training'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threads from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'
import { loadCifar10 } from '@tricks/cifar10'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import { createModel } from '@tricks/models'
import { randomFlip } from '@tricks/random-flip'
import { train } from '@tricks/train'

setWasmPaths({
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threads,
})

async function main(): Promise<string> {
  await tf.setBackend('wasm')
  const { test } = await loadCifar10()
  const few = {
    ...test,
    images: test.images.subarray(0, 64 * 3072),
    labels: test.labels.slice(0, 64),
  }
  const result = await train({
    model: createModel('plain', { widths: [[8], [16]], seed: 1 }),
    data: { train: few, test: few },
    tricks: [randomFlip(), cutout({ length: 8 }), mixup(), labelSmoothing(), cosineDecay()],
    optimizer: tf.train.momentum(0.05, 0.9),
    batchSize: 16,
    epochs: 2,
  })
  return `trained on ${tf.getBackend()} to a loss of ${result.test?.loss.toFixed(3)}`
}

main().then(
  (result) => (document.title = result),
  (error: unknown) => (document.title = `failed: ${String(error)}`),
)
