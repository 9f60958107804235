import { combineBatch, keyOf } from './combine-batch.ts'
import { type Pipeline, type PipelineOptions, pipelineOf } from './pipeline.ts'
import { runStages } from './stages.ts'
import type { Trick } from './trick.ts'

/**
 * Composes tricks into a pipeline for your own loop. Stages run in a fixed order, whatever the order of the list:
 * images, normalisation, mixing, targets. Tricks of one stage run in list order. Tricks that change gradients, weights
 * or evaluation, or that follow the run's metrics, need `composeRun` from `@tricks/core/run`.
 *
 * @throws Error if two tricks have the same key, if two mix, if two set the learning rate, or if one needs `composeRun`;
 *   RangeError if the mean or deviation is not that of images in [0, 1]
 * @example
 * const pipeline = compose([randomFlip(), cutout({ length: 16 }), labelSmoothing()], { seed: 1 })
 * const batch = pipeline.batch(images, oneHot(labels, 10), step)
 */
export function compose(tricks: readonly Trick[], options: PipelineOptions = {}): Pipeline {
  const [hooks] = combineBatch('compose', tricks)
  for (const trick of tricks)
    if (runStages.some((stage) => trick[stage]))
      throw new Error(`compose: '${keyOf(trick)}' needs composeRun, from @tricks/core/run`)
  return pipelineOf(tricks, hooks, options)[0]
}
