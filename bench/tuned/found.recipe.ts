// As `tricks tune cifar10 --recipe base --images 5000 --epochs 40 --precision bfloat16 --budget 1600epochs` found it;
// `tuned` has its network and optimizer.
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomCrop } from '@tricks/random-crop'
import { defineRecipe } from '@tricks/run'
import { sharpnessAware } from '@tricks/sharpness-aware'
import { testTimeAugmentation } from '@tricks/test-time-augmentation'
import { uniformAugment } from '@tricks/uniform-augment'
import { warmup } from '@tricks/warmup'
import { stochasticAverage } from '@tricks/weight-averaging'
import { l1 } from '@tricks/weight-penalty'
import tuned from '../../packages/tools/cli/src/recipes/tuned.ts'

export default defineRecipe({
  ...tuned,
  what: 'the list that a search found for 5,000 images of CIFAR-10',
  tricks: [
    randomCrop({ padding: 1 }),
    uniformAugment({ operations: 1 }),
    labelSmoothing({ epsilon: 0.1923 }),
    l1({ strength: 0.00000626 }),
    sharpnessAware({ rho: 0.376, adaptive: true }),
    stochasticAverage({ from: { fraction: 0.9674 } }),
    testTimeAugmentation({ shifts: 2 }),
    warmup({ multiplier: 8, over: { fraction: 0.06375 }, after: cosineDecay() }),
  ],
})
