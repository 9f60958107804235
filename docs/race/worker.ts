// Two runs on CIFAR-10 with the same data and initial weights, which take turns on the same device.
import * as tf from '@tensorflow/tfjs-core'
import { loadCifar10 } from '@tricks/cifar10'
import type { Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { createModel } from '@tricks/models'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { firstOf, imagesAt, training } from '@tricks/train'
import { warmup } from '@tricks/warmup'
import catalogue from '../generated/catalogue.json'
import { entriesIn } from '../playground/catalogue.ts'
import type { Item } from '../playground/state.ts'
import { tricksOf } from '../playground/tricks.ts'
import { inWords, startBackend, whileDevice } from '../training/backends.ts'
import type { BackendName } from '../training/messages.ts'

export interface RaceRequest {
  readonly images: number
  readonly epochs: number
  readonly backend: BackendName | 'auto'
  /** The second run's tricks; the first has those of the recipe quick. */
  readonly tricks: readonly Item[]
}

/** One of the two runs. */
export type Lane = 0 | 1

export type RaceReport =
  | { readonly kind: 'backend'; readonly text: string }
  | {
      readonly kind: 'status'
      readonly what: string
      readonly done: number
      readonly total: number
    }
  | {
      readonly kind: 'epoch'
      readonly lane: Lane
      readonly epoch: number
      readonly accuracy: number
    }
  | {
      readonly kind: 'end'
      readonly lane: Lane
      readonly accuracy: number
      readonly seconds: number
    }
  | { readonly kind: 'failed'; readonly message: string }

const report = (message: RaceReport): void => postMessage(message)

onmessage = ({ data }: MessageEvent<RaceRequest>): void => {
  whileDevice(race(data)).catch((error: Error) =>
    report({ kind: 'failed', message: inWords(error) }),
  )
}

/** Like the recipe quick of @tricks/cli, which needs Node. */
const quick = (): Trick[] => [
  randomCrop({ padding: 1 }),
  randomFlip(),
  labelSmoothing({ epsilon: 0.1 }),
  schedule(),
]
const schedule = (): Trick =>
  warmup({ multiplier: 8, over: { fraction: 0.15 }, after: cosineDecay() })

async function race({ images, epochs, backend, tricks }: RaceRequest): Promise<void> {
  report({ kind: 'backend', text: await startBackend(backend) })
  const { train: all, test } = await loadCifar10({
    onProgress: (done, total) =>
      report({ kind: 'status', what: 'Decoding the images', done, total }),
  })
  const set = firstOf(all, images)
  const tested = imagesAt(test, [...Array(2000).keys()])
  const other = await tricksOf(tricks, entriesIn(catalogue))
  const scheduled = other.some(({ setsRate }) => setsRate)
  const lists = [quick(), scheduled ? other : [...other, schedule()]]
  const began = performance.now()
  const runs = lists.map((list) => ({
    spent: 0,
    ended: false,
    steps: training({
      model: createModel('plain', { widths: [[16], [32], [64], [128]], seed: 0 }),
      data: { train: set, test: tested },
      tricks: list,
      optimizer: tf.train.momentum(0.04, 0.9, true),
      epochs,
      batchSize: 64,
      validation: Math.round(images / 10),
      readEvery: 5,
    }),
  }))
  while (runs.some(({ ended }) => !ended))
    for (const [lane, run] of runs.entries()) {
      if (run.ended) continue
      const start = performance.now()
      const { done, value } = await run.steps.next()
      run.spent += performance.now() - start
      const at = lane as Lane
      if (done) {
        run.ended = true
        const seconds = run.spent / 1000
        report({ kind: 'end', lane: at, accuracy: value.test!.accuracy, seconds })
      } else if (value.kind === 'epoch') {
        const { epoch, validation } = value
        report({ kind: 'epoch', lane: at, epoch, accuracy: validation!.accuracy })
      } else if (lane === 1) {
        const { step, steps } = value.time
        const seconds = Math.round((performance.now() - began) / 1000)
        report({ kind: 'status', what: `Training, ${seconds} s`, done: step + 1, total: steps })
      }
    }
}
