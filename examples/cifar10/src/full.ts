// The article's full run, for a GPU: ResNet-18 on all of CIFAR-10. Not yet run to its end: no GPU has run this code.
//
//     node --conditions=@tricks/source src/full.ts
//
// Without a GPU: `npm start -- --recipe airbench`, 90.28 % on the test images (91.49 % with test-time
// augmentation) in 986 s on two cores of a Xeon with AVX-512, @tricks/native in bfloat16, n = 1 (bench/full.log).
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe, run } from '@tricks/run'
import { warmup } from '@tricks/warmup'
import { l2 } from '@tricks/weight-penalty'

export const recipe = defineRecipe({
  what: 'ResNet-18 with the tricks that help a long run',
  model: 'resnet-18',
  precision: 'bfloat16',
  epochs: 30,
  batchSize: 128,
  validation: 0,
  // The warm-up takes the rate to 0.1, the cosine from there to 0.
  optimizer: () => tf.train.momentum(0.0125, 0.9, true),
  tricks: [
    randomCrop({ padding: 4 }),
    randomFlip(),
    cutout({ length: 16 }),
    labelSmoothing({ epsilon: 0.1 }),
    l2({ strength: 5e-4 }),
    warmup({ multiplier: 8, over: { epochs: 5 }, after: cosineDecay() }),
  ],
})

if (import.meta.main) {
  const backend = await useBackend()
  console.log(`On ${backend.name}: ${backend.why}`)
  const { train, test } = await loadCifar10()
  const started = new Date().toISOString().replaceAll(':', '-').slice(0, 19)
  const result = await run({
    recipe,
    data: { name: 'CIFAR-10 (JPEG re-encoding)', train, test },
    folder: `runs/full-${started}`,
    seed: 0,
  })
  console.log(
    `${(100 * result.test!.accuracy).toFixed(2)} % of the test images classified correctly`,
  )
}
