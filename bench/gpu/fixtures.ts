// The tricks' functions against the numbers of their references, on the current backend.
import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs-core'
import type { Batch } from '@tricks/core'
import { applyCutout, type CutoutParams } from '@tricks/cutout'
import { smoothTargets } from '@tricks/label-smoothing'
import { applyMixup, type MixupParams } from '@tricks/mixup'
import { applyRandomCrop, type CropParams } from '@tricks/random-crop'
import { applyRandomErasing, type ErasingParams } from '@tricks/random-erasing'
import { applyRandomFlip } from '@tricks/random-flip'
import { applyRandomRotation, type RotationParams } from '@tricks/random-rotation'
import { applyRicap, type RicapParams } from '@tricks/ricap'

interface Stored {
  readonly shape: number[]
  readonly dtype: tf.NumericDataType
  readonly data: number[]
}
interface Case {
  readonly kind?: string
  readonly inputs: Readonly<Record<string, Stored>>
  readonly params: unknown
  readonly expected: Readonly<Record<string, Stored>>
}

const tensor = ({ data, shape, dtype }: Stored): tf.Tensor => tf.tensor(data, shape, dtype)
const images = ({ inputs }: Case): tf.Tensor4D => tensor(inputs['images']!) as tf.Tensor4D
const batch = (of: Case): Batch => ({
  images: images(of),
  targets: tensor(of.inputs['labels']!) as tf.Tensor2D,
})

/** By the fixture's file: what is computed, and what of the expected it is. */
const functions: Readonly<Record<string, (of: Case) => [got: tf.Tensor, expected: string][]>> = {
  'augment/cutout': (of) => [[applyCutout(images(of), of.params as CutoutParams), 'images']],
  'augment/random-crop': (of) => [[applyRandomCrop(images(of), of.params as CropParams), 'images']],
  'augment/random-flip': (of) => [
    [applyRandomFlip(images(of), of.params as { flips: boolean[] }), 'images'],
  ],
  'augment/random-rotation': (of) => [
    [applyRandomRotation(images(of), of.params as RotationParams), 'images'],
  ],
  'augment/random-erasing': (of) => [
    [applyRandomErasing(images(of), of.params as ErasingParams), 'images'],
  ],
  'mix/mixup': (of) => {
    const mixed = applyMixup(batch(of), of.params as MixupParams)
    return [
      [mixed.images, 'images'],
      [mixed.targets, 'labels'],
    ]
  },
  'mix/ricap': (of) => {
    const patched = applyRicap(batch(of), of.params as RicapParams)
    return [
      [patched.images, 'images'],
      [patched.targets, 'labels'],
    ]
  },
  'loss/label-smoothing': (of) => {
    const { epsilon, classes } = of.params as { epsilon: number; classes: number }
    const labels = tf.cast(tensor(of.inputs['labels']!), 'int32')
    const targets = tf.cast(tf.oneHot(labels, classes), 'float32') as tf.Tensor2D
    return [[smoothTargets(targets, epsilon), 'targets']]
  },
}

export interface FixtureResult {
  readonly fixture: string
  readonly cases: number
  /** The largest difference to the reference's numbers. */
  readonly worst: number
  readonly right: boolean
}

export async function checkFixtures(): Promise<FixtureResult[]> {
  const results: FixtureResult[] = []
  for (const [fixture, compute] of Object.entries(functions)) {
    const file = `../../packages/${fixture}/test/fixtures/${fixture.split('/')[1]}.json`
    const { cases: all } = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as {
      readonly cases: readonly Case[]
    }
    // The others are statistics of draws, which happen on the host.
    const cases = all.filter(({ inputs }) => inputs !== undefined)
    let worst = 0
    for (const each of cases) {
      const pairs = tf.tidy(() =>
        compute(each).map(([got, name]) => ({ got, expected: each.expected[name]!.data })),
      )
      for (const { got, expected } of pairs) {
        const values = await got.data()
        for (const [i, value] of expected.entries()) {
          const off = Math.abs(value - values[i]!)
          worst = off <= worst ? worst : off // NaN is kept
        }
        got.dispose()
      }
    }
    results.push({ fixture, cases: cases.length, worst, right: worst <= 1e-5 })
  }
  return results
}
