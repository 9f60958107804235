// Trains for a long time with all tricks and records tensors, bytes and the process's memory.
// `node --conditions=@tricks/source --expose-gc packages/tools/cli/test/soak.ts [steps] [backend] [batch]`
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, useBackend } from '@tricks/backend'
import { createRandom } from '@tricks/core'
import { createModel } from '@tricks/models'
import { earlyStopping } from '@tricks/early-stopping'
import { gradientAccumulation } from '@tricks/gradient-accumulation'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { type ImageSet, train } from '@tricks/train'
import { tricksOf } from '@tricks/run'
import { articleRecipe, articleTricks } from '../src/recipes/article.ts'
import { dryContext } from '../src/recipes/dry.ts'

export interface Held {
  readonly step: number
  readonly numTensors: number
  readonly numBytes: number
  /** Memory of the process in bytes, after garbage collection. */
  readonly resident: number
}

/** Memory use at twenty points of a run with all tricks. */
export async function soak({
  steps,
  backend,
  batchSize = 32,
  side = 32,
}: {
  readonly steps: number
  readonly backend: BackendName
  readonly batchSize?: number
  readonly side?: number
}): Promise<Held[]> {
  await useBackend(backend)
  const recipe = articleRecipe('', articleTricks)
  const size = { inputShape: [side, side, 3] as [number, number, number], widths: [[8], [16]] }
  const teacher = createModel('plain', { ...size, seed: 2 })
  const model = createModel('plain', { ...recipe.modelOptions, ...size, seed: 1 })
  // Epochs of 25 steps, so that validation, plateaus and early stopping occur too.
  const stepsPerEpoch = Math.min(25, steps)
  const epochs = Math.ceil(steps / stepsPerEpoch)
  const held: Held[] = []
  await train({
    model,
    data: { train: noise(batchSize * (stepsPerEpoch + 1), side) },
    tricks: [
      ...tricksOf(recipe, { ...dryContext(recipe), teacher }).filter(
        ({ name }) => name !== 'early-stopping',
      ),
      // Noise can't be learned, so the default would end the run.
      earlyStopping({ patience: 1e6 }),
      randomResizedCrop({ area: [0.5, 1] }),
      gradientAccumulation({ microBatch: Math.ceil(batchSize / 2) }),
    ],
    optimizer: recipe.optimizer(),
    epochs,
    validation: batchSize,
    batchSize,
    seed: 3,
    nonFinite: 'skip',
    readEvery: Math.max(1, Math.floor(steps / 20)),
    checkpoint: { every: { steps: stepsPerEpoch }, save: () => {} },
    onProgress({ kind, time }) {
      if (kind !== 'step') return
      globalThis.gc?.()
      const { numTensors, numBytes } = tf.memory()
      held.push({ step: time.step + 1, numTensors, numBytes, resident: process.memoryUsage().rss })
    },
  })
  return held
}

function noise(count: number, side: number): ImageSet {
  const random = createRandom(9)
  return {
    images: Uint8Array.from({ length: count * side * side * 3 }, () => random.integer(0, 256)),
    labels: Array.from({ length: count }, () => random.integer(0, 10)),
    height: side,
    width: side,
    channels: 3,
    classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
  }
}

if (import.meta.main) {
  const [steps = '2000', backend = 'native', batch = '32', side = '32'] = process.argv.slice(2)
  const held = await soak({
    steps: Number(steps),
    backend: backend as BackendName,
    batchSize: Number(batch),
    side: Number(side),
  })
  console.log(JSON.stringify(held))
}
