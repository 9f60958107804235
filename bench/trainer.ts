// The overhead of the trainer over a bare TensorFlow.js loop with the same step, without tricks, on wasm. Both build
// each batch from bytes, normalise it, update, and read the losses every 20 steps; they alternate.
// `node --conditions=@tricks/source bench/trainer.ts [repeats]` under Node 24.
import { cpus } from 'node:os'
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { createRandom, oneHot, softmaxCrossEntropy } from '@tricks/core'
import { createModel } from '@tricks/models'
import { type ImageSet, train } from '@tricks/train'

const repeats = Number(process.argv[2] ?? 5)
const [batchSize, steps, side, channels] = [128, 20, 32, 3]
await useBackend('wasm')
const set = noise(batchSize * steps)
const [mean, deviation] = [
  [0.5, 0.5, 0.5],
  [0.25, 0.25, 0.25],
]
const model = createModel('plain')
const optimizer = tf.train.momentum(0.01, 0.9)

const seconds = { bare: [] as number[], trainer: [] as number[] }
await bare()
await trainer()
for (let i = 0; i < repeats; i++)
  for (const [name, run] of Object.entries({ bare, trainer })) {
    const start = performance.now()
    await run()
    seconds[name as keyof typeof seconds].push((performance.now() - start) / 1000)
  }
const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!
const speed = (list: number[]): string =>
  `${((batchSize * steps) / median(list)).toFixed(0)} images/s`
const ratios = seconds.bare.map((each, i) => seconds.trainer[i]! / each)
console.log(
  `${cpus()[0]!.model}, one thread, Node ${process.version}, plain, batch ${batchSize}, n = ${repeats}`,
)
console.log(`bare loop  ${speed(seconds.bare)}`)
console.log(`trainer    ${speed(seconds.trainer)}`)
console.log(`overhead   ${((median(ratios) - 1) * 100).toFixed(1)} % (median of the pairs)`)

async function bare(): Promise<void> {
  const order = createRandom(1).permutation(set.labels.length)
  const losses: tf.Scalar[] = []
  for (let step = 0; step < steps; step++) {
    const indices = order.subarray(step * batchSize, (step + 1) * batchSize)
    const pixels = new Float32Array(batchSize * side * side * channels)
    indices.forEach((from, to) => {
      const image = set.images.subarray(
        from * side * side * channels,
        (from + 1) * side * side * channels,
      )
      for (let i = 0; i < image.length; i++) pixels[to * image.length + i] = image[i]! / 255
    })
    const loss = tf.tidy(() => {
      const raw = tf.tensor4d(pixels, [batchSize, side, side, channels])
      const images = tf.div(tf.sub(raw, tf.tensor1d(mean)), tf.tensor1d(deviation))
      const targets = oneHot(
        Array.from(indices, (index) => set.labels[index]!),
        10,
      )
      const forward = (): tf.Scalar =>
        softmaxCrossEntropy(targets, model.apply(images, { training: true }) as tf.Tensor2D)
      return optimizer.minimize(forward, true)!
    })
    losses.push(loss)
  }
  const stacked = tf.stack(losses)
  await stacked.data()
  tf.dispose([stacked, losses])
}

async function trainer(): Promise<void> {
  await train({
    model,
    data: { train: set, mean, deviation },
    optimizer,
    epochs: 1,
    batchSize,
    validation: 0,
  })
}

function noise(size: number): ImageSet {
  const random = createRandom(9)
  return {
    images: Uint8Array.from({ length: size * side * side * channels }, () =>
      random.integer(0, 256),
    ),
    labels: Array.from({ length: size }, () => random.integer(0, 10)),
    height: side,
    width: side,
    channels,
    classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
  }
}
