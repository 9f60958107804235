// Fine-tuning: all layers, on the pictures themselves.
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import type { Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { freeze } from '@tricks/fine-tuning'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { type EpochProgress, type ImageSet, train, type TrainResult } from '@tricks/train'
import { warmup } from '@tricks/warmup'
import { decode } from '../decode.ts'
import type { Pictures } from './messages.ts'
import { deviation, mean, size } from './network.ts'

/** Memory for the pictures, in bytes: they are decoded once, and scaled down if there are too many. */
const most = 256e6

/** The side at which that many pictures fit into memory. The network accepts any size; smaller ones show less detail. */
export function sideFor(count: number): number {
  const fits = Math.floor(Math.sqrt(most / 3 / count) / 32) * 32
  return Math.max(96, Math.min(size, fits))
}

export interface TuneOptions {
  readonly model: LayersModel
  readonly classes: readonly string[]
  readonly fitted: Pictures
  readonly held: Pictures
  readonly epochs: number
  /** Replace the usual tricks if not empty; a schedule is added if they contain none. */
  readonly tricks: readonly Trick[]
  readonly signal: AbortSignal
  readonly onProgress: (what: string, done: number, total: number) => void
  readonly onEpoch: (progress: EpochProgress) => void
}

/** The tricks of the recipe `pretrained` of @tricks/cli, which needs Node. */
const usual = (side: number): Trick[] => [
  randomResizedCrop({ area: [0.35, 1], size: [side, side] }),
  randomFlip(),
  labelSmoothing({ epsilon: 0.1 }),
]

/** Fine-tunes the network; its lower layers are frozen, as edges and textures are the same in all pictures. */
export async function tune({
  model,
  classes,
  fitted,
  held,
  epochs,
  tricks,
  signal,
  onProgress,
  onEpoch,
}: TuneOptions): Promise<TrainResult> {
  const count = fitted.files.length + held.files.length
  const side = sideFor(count)
  let done = 0
  const read = async (pictures: Pictures): Promise<ImageSet> => {
    const images = new Uint8Array(pictures.files.length * side * side * 3)
    for (const [i, file] of pictures.files.entries()) {
      signal.throwIfAborted()
      images.set(await decode(file, side), i * side * side * 3)
      onProgress('Reading the pictures', ++done, count)
    }
    return { images, labels: pictures.labels, height: side, width: side, channels: 3, classes }
  }
  const schedule = warmup({ multiplier: 8, over: { fraction: 0.1 }, after: cosineDecay() })
  const own = tricks.length > 0 ? tricks : usual(side)
  const scheduled = own.some(({ setsRate }) => setsRate)
  return train({
    model,
    data: { train: await read(fitted), validation: await read(held), mean, deviation },
    tricks: [freeze({ until: 'blocks5' }), ...own, ...(scheduled ? [] : [schedule])],
    // The warm-up raises the rate eightfold.
    optimizer: tf.train.momentum(scheduled ? 0.003 : 0.003 / 8, 0.9, true),
    epochs,
    batchSize: 16,
    signal,
    readEvery: 4,
    onProgress(progress) {
      if (progress.kind === 'epoch') onEpoch(progress)
      else
        onProgress(`Fine-tuning at ${side} × ${side}`, progress.time.step + 1, progress.time.steps)
    },
  })
}
