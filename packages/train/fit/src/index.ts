import type { CustomCallbackArgs, LayersModel } from '@tensorflow/tfjs-layers'
import { openRun, type RunOptions } from '@tricks/train'
import { attach, type Dataset, type FitArgs } from './attach.ts'
import { checkOptions } from './checks.ts'
import { compileOf } from './compile.ts'
import { trainingDataset, validationDataset } from './datasets.ts'
import { sessionOf } from './session.ts'
import type { Compile } from './training.ts'

export interface FitOptions extends Omit<RunOptions, 'model' | 'precision'> {
  /** Gives logits: no softmax at its end. */
  readonly model: LayersModel
}

/** What `compile` and `fitDataset` take. */
export interface Fit {
  readonly compile: Compile
  readonly dataset: Dataset
  /** The epochs, the validation data, and the tricks' own callback, which is called before all others. */
  readonly args: FitArgs & { callbacks: CustomCallbackArgs[] }
}

/**
 * A list of tricks for those who train with tfjs-layers' own `fitDataset`: the trainer's batches, draws, rates and
 * losses, to the bit. Any callbacks may be added: plain objects, tfjs's own, and classes that extend `tf.Callback`.
 *
 * Each `fitDataset` is a run, which starts the tricks anew; with an `initialEpoch` it continues the one before.
 *
 * @param options those of `train`, except for precision, progress and checkpoints; `data.test` is not read
 * @throws Error naming a trick that `fitDataset` can't carry (one that changes gradients, or evaluation), and as `train`
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
  const compile = compileOf(optimizer, run, at)
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
