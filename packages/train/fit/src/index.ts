import type { CustomCallbackArgs, LayersModel } from '@tensorflow/tfjs-layers'
import { openRun, type RunOptions, scoresOf } from '@tricks/train'
import { attach, type Dataset, type FitArgs } from './attach.ts'
import { checkOptions } from './checks.ts'
import { compileOf } from './compile.ts'
import { trainingDataset, validationDataset } from './datasets.ts'
import { sessionOf } from './session.ts'
import type { Compile } from './training.ts'

export interface FitOptions extends Omit<RunOptions, 'model' | 'precision'> {
  /** Returns logits, without a softmax at the end. */
  readonly model: LayersModel
}

/** The arguments for `compile` and `fitDataset`. */
export interface Fit {
  readonly compile: Compile
  readonly dataset: Dataset
  /** The epochs, the validation data, and the tricks' own callback, which is called before all others. */
  readonly args: FitArgs & { callbacks: CustomCallbackArgs[] }
}

/**
 * Applies tricks in tfjs-layers' own `fitDataset`, with batches, draws, rates and losses bit-equal to the trainer's.
 * Other callbacks may be added: plain objects, tfjs's own, and classes that extend `tf.Callback`.
 *
 * Each `fitDataset` call is a run with fresh trick states; with an `initialEpoch` it continues the previous one.
 *
 * @param options those of `train`, except for precision, progress and checkpoints; `data.test` is not read
 * @throws Error naming a trick that `fitDataset` doesn't support (one that changes gradients or evaluation), and as
 *   `train`
 * @example
 * const fit = forFit({ model, data, tricks, optimizer: tf.train.momentum(0.1, 0.9), epochs: 10 })
 * model.compile(fit.compile)
 * await model.fitDataset(fit.dataset, fit.args)
 */
export function forFit(options: FitOptions): Fit {
  checkOptions(options)
  const { model, optimizer, epochs } = options
  const run = openRun(options)
  const at = { first: 0, next: 0 }
  const compile = compileOf(optimizer, run, at, scoresOf(options.data.train))
  const dataset = trainingDataset(run, at)
  const session = sessionOf({ model, epochs, compile, run, at })
  attach(model, dataset, session)
  const validationData = validationDataset(run)
  return {
    compile,
    dataset,
    args: { epochs, callbacks: [session.hooks], ...(validationData && { validationData }) },
  }
}
