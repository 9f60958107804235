import * as tf from '@tensorflow/tfjs-core'
import { type Batch, compose, type Trick } from '@tricks/core'
import type { DrawOptions } from '@tricks/core/augmentation'
import { expect, test } from 'vitest'
import { expectClose } from './fixture.ts'

type Alone<O> = <B extends tf.Tensor4D | Batch>(batch: B, options: O & DrawOptions) => B

/**
 * Tests that a trick's function of a batch, made by `withDraws`, draws and applies what the trick does in a pipeline.
 *
 * @param factory creates the trick
 * @param alone the function of a batch
 * @param options with which the trick changes most images
 * @example
 * asInPipeline(cutout, cutoutBatch, { length: 4, fill: 0 })
 */
export function asInPipeline<O extends object>(
  factory: (options: O) => Trick,
  alone: Alone<O>,
  options: O = {} as O,
): void {
  test('alone, it draws and applies as in a pipeline', () => {
    const given = {
      images: tf.randomUniform<tf.Rank.R4>([4, 9, 7, 3], 0, 1, 'float32', 1),
      targets: tf.eye(4),
    }
    const at = { ...options, seed: 3, step: 5 }
    const trick = factory(options)
    const { images, targets } = compose([trick], { seed: 3 }).batch(given.images, given.targets, 5)
    const made = trick.mix
      ? alone(given, at)
      : { images: alone(given.images, at), targets: given.targets }
    expectClose({ ...made }, { images, targets }, { absolute: 0, relative: 0 })
    expect([...images.dataSync()]).not.toEqual([...given.images.dataSync()])
  })
}
