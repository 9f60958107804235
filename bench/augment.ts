// Images/s of each image and mix trick, including the draws, on 512 images of 32×32, compared with the composition of
// tfjs operations, and with torchvision and kornia in the same run, if they are installed (PYTHON names the interpreter).
// `node --conditions=@tricks/source bench/augment.ts [repeats] [backend]` under Node 24.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { augmix } from '@tricks/augmix'
import { autoAugment } from '@tricks/autoaugment'
import { type BackendName, useBackend } from '@tricks/backend'
import { colorJitter } from '@tricks/color-jitter'
import { type Batch, createRandom, oneHot, type Trick } from '@tricks/core'
import { cutmix } from '@tricks/cutmix'
import { cutout } from '@tricks/cutout'
import { mixup } from '@tricks/mixup'
import { pcaLighting } from '@tricks/pca-lighting'
import { randAugment } from '@tricks/rand-augment'
import { randomCrop } from '@tricks/random-crop'
import { randomErasing } from '@tricks/random-erasing'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { randomRotation } from '@tricks/random-rotation'
import { ricap } from '@tricks/ricap'
import { trivialAugment } from '@tricks/trivial-augment'

const repeats = Number(process.argv[2] ?? 7)
const { name: backend } = await useBackend((process.argv[3] ?? 'wasm') as BackendName)
const count = 512
const images = tf.randomUniform<tf.Rank.R4>([count, 32, 32, 3], 0, 1, 'float32', 1)
const targets = oneHot(
  Array.from({ length: count }, (_, i) => i % 10),
  10,
)

const work: Record<string, Trick[]> = {
  'crop + flip': [randomCrop({ padding: 4 }), randomFlip()],
  'random erasing, constant': [randomErasing({ probability: 1, fill: 'mean' })],
  'colour jitter': [colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 })],
  'rotation, nearest': [randomRotation({ degrees: 15 })],
  'random resized crop': [randomResizedCrop({ area: [0.35, 1] })],
  mixup: [mixup()],
  cutmix: [cutmix()],
  'autoaugment, CIFAR-10': [autoAugment({ policy: 'cifar10' })],
  'rand-augment': [randAugment()],
  'trivial-augment': [trivialAugment()],
  augmix: [augmix()],
  cutout: [cutout()],
  'random erasing, random': [randomErasing({ probability: 1, fill: 'random' })],
  'PCA lighting': [pcaLighting()],
  RICAP: [ricap()],
}

const python = process.env['PYTHON'] ?? 'python3'
const peers =
  spawnSync(python, ['-c', 'import torchvision, kornia']).status === 0
    ? (JSON.parse(
        execFileSync(
          python,
          [fileURLToPath(new URL('augment_peers.py', import.meta.url)), String(repeats), '2'],
          {
            encoding: 'utf8',
          },
        ),
      ) as Record<string, Record<string, number[]>>)
    : {}

const median = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[list.length >> 1]!
const thousands = (speed: number): string => `${(speed / 1000).toFixed(1)} k`

console.log(
  `${cpus()[0]!.model}, Node ${process.version}, ${backend}, ${count} images, n = ${repeats}; thousand images/s`,
)
for (const [name, tricks] of Object.entries(work)) {
  const ours = count / (await secondsOf(tricks))
  const composed = count / (await withoutKernel(() => secondsOf(tricks)))
  const others = Object.entries(peers[name] ?? {}).map(
    ([peer, speeds]) =>
      `${peer} ${thousands(median(speeds))} (${(ours / median(speeds)).toFixed(1)}×)`,
  )
  const before = `composed ${thousands(composed)} (${(ours / composed).toFixed(1)}×)`
  console.log(
    `${name.padEnd(26)}${thousands(ours).padStart(8)}   ${[before, ...others].join('   ')}`,
  )
}

/** Runs a function without the backend's kernel for augmentations, if it has one. */
async function withoutKernel<T>(run: () => Promise<T>): Promise<T> {
  const kernel = tf.getKernel('AugmentImages', tf.getBackend())
  if (kernel) tf.unregisterKernel('AugmentImages', tf.getBackend())
  try {
    return await run()
  } finally {
    if (kernel) tf.registerKernel(kernel)
  }
}

async function secondsOf(tricks: Trick[]): Promise<number> {
  const [, height, width, channels] = images.shape
  const shape = { batch: count, height, width, channels, classes: 10, mean: [0.5, 0.5, 0.5] }
  const taken: number[] = []
  // Until the code is compiled, as it is after the first steps of a training run.
  const warm = performance.now() + 300
  for (let step = 0; taken.length < repeats; step++) {
    const time = { step, stepsPerEpoch: 100, steps: 100 }
    const start = performance.now()
    const made = tidied(() =>
      tricks.reduce<Batch>(
        (batch, { name, images: onImages, mix }) => {
          const random = createRandom(1).fork(name).at(time.step)
          if (onImages)
            return {
              ...batch,
              images: onImages.apply(batch.images, onImages.draw(random, shape, time)),
            }
          return mix!.apply(batch, mix!.draw(random, shape, time))
        },
        { images, targets },
      ),
    )
    // Reads one value, to be sure that the work is done without copying everything.
    const pixel = tf.slice(made.images, [0, 0, 0, 0], [1, 1, 1, 1])
    await pixel.data()
    pixel.dispose()
    if (start > warm) taken.push((performance.now() - start) / 1000)
    tf.dispose(made.images)
    if (made.targets !== targets) tf.dispose(made.targets)
  }
  return median(taken)
}

/** `tf.tidy` for a batch, whose type has no index signature. */
function tidied(make: () => Batch): Batch {
  return tf.tidy(() => ({ ...make() }))
}
