import * as tf from '@tensorflow/tfjs-core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { defineRecipe } from '@tricks/run'
import { warmup } from '@tricks/warmup'

export default defineRecipe({
  what: 'the first six tricks, for longer runs',
  model: 'plain',
  epochs: 30,
  batchSize: 128,
  validation: 5000,
  optimizer: () => tf.train.momentum(0.0125, 0.9, true),
  tricks: [
    randomCrop({ padding: 4 }),
    randomFlip(),
    cutout({ length: 8 }),
    mixup({ alpha: 0.2 }),
    labelSmoothing({ epsilon: 0.1 }),
    warmup({ multiplier: 8, over: { epochs: 2 }, after: cosineDecay() }),
  ],
})
