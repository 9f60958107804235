import { LayersModel } from '@tensorflow/tfjs-layers'
import { assertArgument, type Trick } from '@tricks/core'
import type { RunOptions } from '@tricks/train'
import type { FitArgs } from './attach.ts'
import type { Training } from './training.ts'

/** Hooks that `fitDataset` doesn't support, with what a trick that has one does. */
const refused = [
  ['gradients', 'changes gradients'],
  ['multipliers', 'scales the learning rate by variable'],
  ['evaluation', 'changes evaluation'],
] as const satisfies readonly (readonly [keyof Trick, string])[]

/** @throws Error for a model, trick or precision that `fitDataset` doesn't support */
export function checkOptions({ model, tricks = [], precision = 'float32' }: RunOptions): void {
  if (!(model instanceof LayersModel))
    throw new Error(
      'fit: expected model to be a LayersModel. If it is one, it was created by another copy of ' +
        '@tensorflow/tfjs-layers: install a single version.',
    )
  assertArgument(precision === 'float32', 'fit', { precision }, "'float32'")
  for (const [hook, what] of refused)
    for (const trick of tricks)
      if (trick[hook] !== undefined)
        throw new Error(
          `fit: '${trick.name}' ${what}, which fitDataset doesn't support; use train of @tricks/train`,
        )
}

/** @throws Error for a model that was compiled differently, or arguments that the tricks don't support */
export function checkArgs({ model, epochs, compile }: Training, args: FitArgs): void {
  if (model.loss !== compile.loss || model.optimizer !== compile.optimizer)
    throw new Error(
      'fit: expected the model to be compiled with the loss and the optimizer of fit.compile. ' +
        'Call model.compile(fit.compile) before fitDataset.',
    )
  if (!model.metricsNames.includes('accuracy'))
    throw new Error(
      `fit: expected the metrics to contain those of fit.compile, got ${model.metricsNames.join(', ')}. ` +
        'Add yours to them: [...fit.compile.metrics, mine].',
    )
  const within = `at most ${epochs}, the epochs given to forFit, which schedules depend on`
  const ends = typeof args.epochs === 'number' && args.epochs <= epochs
  assertArgument(ends, 'fit', { epochs: args.epochs }, within)
  for (const [option, why] of [
    ['batchesPerEpoch', 'as an epoch is all batches of fit.dataset'],
    ['classWeight', 'as the loss is that of the tricks'],
  ] as const)
    assertArgument(args[option] == null, 'fit', { [option]: args[option] }, `absent, ${why}`)
}
