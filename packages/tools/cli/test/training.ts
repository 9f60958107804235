// A short run with the first six tricks on wasm, in a separate process: prints the values that the tests check.
import { createHash } from 'node:crypto'
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { createRandom } from '@tricks/core'
import { createModel } from '@tricks/models'
import { type ImageSet, train, variablesOf } from '@tricks/train'
import { tricksOf } from '@tricks/run'
import { dryContext } from '../src/recipes/dry.ts'
import six from '../src/recipes/six.ts'

const [steps, before] = process.argv.slice(2)

await useBackend('wasm')
if (before === 'another model first') createModel('resnet-20')
const model = createModel('plain', { widths: [[8], [16]], seed: 1 })
const batchSize = 32

const memory: { numTensors: number; numBytes: number; resident: number }[] = []
await train({
  model,
  data: { train: noise(batchSize * Number(steps)) },
  tricks: tricksOf(six, dryContext(six)),
  optimizer: six.optimizer(),
  epochs: 1,
  validation: 0,
  batchSize,
  seed: 3,
  readEvery: 10,
  onProgress(progress) {
    if (progress.kind !== 'step') return
    globalThis.gc?.()
    const { numTensors, numBytes } = tf.memory()
    memory.push({ numTensors, numBytes, resident: process.memoryUsage().rss })
  },
})

const hash = createHash('sha256')
for (const [path, variable] of Object.entries(variablesOf(model)))
  hash.update(path).update(new Uint8Array((await variable.data()).slice().buffer))
console.log(JSON.stringify({ weights: hash.digest('hex'), memory }))

function noise(size: number): ImageSet {
  const random = createRandom(9)
  return {
    images: Uint8Array.from({ length: size * 32 * 32 * 3 }, () => random.integer(0, 256)),
    labels: Array.from({ length: size }, () => random.integer(0, 10)),
    height: 32,
    width: 32,
    channels: 3,
    classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
  }
}
