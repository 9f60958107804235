// A full run on all of CIFAR-10 with the recipe `airbench` on native, and then, separately, the same network with
// test-time augmentation. Its log is in full.log. If the folder already contains a run, only that is evaluated.
// `node --conditions=@tricks/source bench/full.ts RUN_FOLDER [seed]` under Node 24.
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import { recipes } from '@tricks/cli'
import { accuracy } from '@tricks/core'
import { hasModel, loadModel, progressView, run } from '@tricks/run'
import { batchOf } from '@tricks/train'

const [out, seed = '0'] = process.argv.slice(2)
if (out === undefined) throw new Error('bench/full.ts: expected a folder for the run')
const began = performance.now()
await useBackend('native')
const { train, test } = await loadCifar10()
if (!hasModel(out))
  await run({
    recipe: recipes['airbench']!,
    data: { name: 'CIFAR-10 (JPEG re-encoding)', train, test },
    seed: Number(seed),
    folder: out,
    view: progressView({ mode: 'lines' }),
  })
const seconds = (performance.now() - began) / 1000

const { model } = await loadModel(out)
const indices = Int32Array.from({ length: test.labels.length }, (_, i) => i)
const batchSize = 500
let right = 0
for (let from = 0; from < indices.length; from += batchSize) {
  const hits = tf.tidy(() => {
    const { images, targets } = batchOf({ set: test, indices }, from, from + batchSize)
    const mean = views(images)
      .map(([view, weight]) => tf.mul(model.predict(view) as tf.Tensor, weight))
      .reduce((sum, view) => tf.add(sum, view)) as tf.Tensor2D
    return tf.mul(accuracy(targets, mean), batchSize)
  })
  right += (await hits.data())[0]!
  hits.dispose()
}
console.log(
  `\n${seconds.toFixed(0)} s from start to result\n` +
    `Separately, with test-time augmentation (each image, shifted up left and down right by a pixel, and all three ` +
    `mirrored): ${((right / test.labels.length) * 100).toFixed(2)} %`,
)

/**
 * Six views of each image with their weights: a half for the image and its mirror image, a half for the shifted ones.
 */
function views(images: tf.Tensor4D): [tf.Tensor4D, number][] {
  const [count, height, width, channels] = images.shape
  const padded = tf.mirrorPad(
    images,
    [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ],
    'reflect',
  )
  const moved = (by: number): tf.Tensor4D =>
    tf.slice(padded, [0, by, by, 0], [count, height, width, channels])
  const straight: [tf.Tensor4D, number][] = [
    [images, 0.25],
    [moved(0), 0.125],
    [moved(2), 0.125],
  ]
  return [
    ...straight,
    ...straight.map(([view, weight]): [tf.Tensor4D, number] => [tf.reverse(view, 2), weight]),
  ]
}
