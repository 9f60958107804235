import * as tf from '@tensorflow/tfjs-core'
import { machineOf } from '@tricks/ablation'
import { autoAugment, type Policy } from '@tricks/autoaugment'
import { createRandom, type Json, type Random } from '@tricks/core'
import { densityReward } from '@tricks/policy-search'
import {
  allImages,
  batchOf,
  type Checkpoint,
  type ImageSet,
  openData,
  train,
  type TrainOptions,
} from '@tricks/train'
import { attemptsAt, newestCheckpoint, type Program } from '@tricks/trials'
import type { Bag } from '../tune/bag.ts'
import type { Fold } from '../tune/images.ts'
import type { TuneSetup } from '../tune/setup.ts'
import { stopwatch, type WallClock } from '../tune/stopwatch.ts'
import { openTraining } from '../tune/trial.ts'

/** The configuration of a trial, which starts from the network of its fold. */
export interface DensityConfig {
  readonly arm: string
  readonly bag: Bag
  readonly setup: TuneSetup
  readonly fold: Fold
  /** The number of the first candidate; draws depend on it. */
  readonly first: number
  readonly candidates: readonly Policy[]
}

/** The result of a trial. */
export interface DensityMetrics {
  /** The rewards of each candidate. */
  readonly candidates: readonly { readonly mean: number; readonly 'best-of-five': number }[]
  readonly on: string
  readonly wallClock: WallClock
}

/** Classifies the held-out images of a fold after the sub-policies of each candidate. */
export const densityProgram: Program = async ({ trial, storage, signal, progress }) => {
  const { first, candidates, ...config } = trial.config as unknown as DensityConfig
  const elapsed = stopwatch()
  const { options, dispose } = await openTraining(trial, { ...config, measured: 'held' })
  const { data, epochs, batchSize } = options
  const held = data.test!
  const random = createRandom(trial.seed).fork('copies')
  const rewards: DensityMetrics['candidates'][number][] = []
  try {
    const found = newestCheckpoint(attemptsAt(storage, trial.from!))
    const network = found?.checkpoint ?? (await trainNetwork(options, signal))
    const { mean } = openData({
      train: data.train,
      validation: 0,
      epochs,
      batchSize,
      seed: 0,
    }).facts
    for (const [i, policy] of candidates.entries()) {
      const correct: boolean[][] = []
      for (const [j, steps] of policy.entries()) {
        if (signal.aborted) throw new Error('stopped')
        const draws = random.fork(`sub-policy ${j}`)
        const test = await augmentedCopy(held, steps, { random: draws, at: first + i, mean })
        // All steps are done, so this only evaluates, as at the end of a run.
        const { testLogits } = await train({
          ...options,
          data: { ...data, test },
          resume: network,
        })
        correct.push(correctOf(testLogits!, held))
      }
      rewards.push({
        mean: densityReward(correct, 'mean'),
        'best-of-five': densityReward(correct, 'best-of-five'),
      })
      progress((i + 1) / candidates.length)
    }
  } finally {
    dispose()
  }
  const metrics: DensityMetrics = {
    candidates: rewards,
    on: machineOf(options.precision),
    wallClock: elapsed(),
  }
  return { metrics: metrics as unknown as Json }
}

/** Trains the network of a fold again, with the same result, if its checkpoint was removed. */
async function trainNetwork(options: TrainOptions, signal: AbortSignal): Promise<Checkpoint> {
  let last: Checkpoint | undefined
  const save = (checkpoint: Checkpoint): void => void (last = checkpoint)
  const checkpoint = { every: { epochs: options.epochs }, save }
  const { stopped } = await train({ ...options, signal, checkpoint })
  if (stopped === 'aborted') throw new Error('stopped')
  return last!
}

/** Images that are augmented at once. */
const atOnce = 500

/** All images after a sub-policy. */
async function augmentedCopy(
  set: ImageSet,
  steps: Policy[number],
  { random, at, mean }: { random: Random; at: number; mean: readonly number[] },
): Promise<ImageSet> {
  const { labels, height, width, channels, classes } = set
  const { draw, apply } = autoAugment({ policy: [steps] }).images!
  const all = allImages(set)
  const images = new Uint8Array(set.images.length)
  for (let from = 0; from < labels.length; from += atOnce) {
    const to = Math.min(labels.length, from + atOnce)
    const shape = { batch: to - from, height, width, channels, classes: classes.length, mean }
    const time = { step: at, steps: Infinity, stepsPerEpoch: Infinity }
    const params = draw(random.at(at, from), shape, time)
    const levels = tf.tidy(() => {
      const batch = batchOf(all, from, to)
      return tf.round(tf.mul(apply(batch.images, params), 255))
    })
    images.set(await levels.data(), from * height * width * channels)
    levels.dispose()
  }
  return { ...set, images }
}

/** Whether each image's largest logit is that of its class. */
function correctOf(logits: Float32Array, { labels, classes }: ImageSet): boolean[] {
  const count = classes.length
  return Array.from(labels, (label, image) => {
    const own = logits.subarray(image * count, (image + 1) * count)
    return own.indexOf(Math.max(...own)) === label
  })
}
