import { assertArgument, type Tensors, type Trick } from '@tricks/core'
import {
  type EarlyStoppingOptions,
  earlyStoppingOptions,
  type StopOptions,
  stopParameters,
} from './options.ts'
import { observe, type Progress, start } from './progress.ts'

export { type EarlyStoppingOptions, earlyStoppingOptions, type StopOptions }

/**
 * Finds where early stopping would end a run with known metrics: after `patience` consecutive epochs that did not
 * improve on the best by more than `minDelta`.
 *
 * @param history one metric per epoch
 * @returns the epoch after which it stops, from 0, or null if it never does; and the best epoch until then
 * @throws RangeError for an option out of its range
 * @example
 * stopsAt([3, 1, 2, 2], { patience: 2 }) // { stop: 3, best: 1 }
 * @see Prechelt 1998, "Early stopping: but when?"
 */
export function stopsAt(
  history: readonly number[],
  options: StopOptions = {},
): { readonly stop: number | null; readonly best: number | null } {
  const numbers = Array.from(history ?? []).every((metric) => typeof metric === 'number')
  assertArgument(numbers && Boolean(history), 'early-stopping', { history }, 'a list of numbers')
  const resolved = stopParameters.parse(options)
  let progress = start
  for (const [epoch, metric] of history.entries()) {
    progress = observe(progress, epoch, metric, resolved)
    if (progress.waited >= resolved.patience) return { stop: epoch, best: progress.epoch }
  }
  return { stop: null, best: progress.epoch }
}

/**
 * Ends training when a validation metric stops improving, and restores the best epoch's weights at any end of the run.
 * Without validation, as when training on all data, it does nothing.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ model, data, tricks: [earlyStopping({ patience: 5 })], optimizer, epochs: 90 })
 * @see Prechelt 1998, "Early stopping: but when?"
 */
export function earlyStopping({ key, ...given }: EarlyStoppingOptions = {}): Trick<Best> {
  const parsed = earlyStoppingOptions.parse(given)
  const { monitor, restoreBest, mode = monitor === 'validation loss' ? 'min' : 'max' } = parsed
  const options = { ...parsed, mode }
  const metric = monitor === 'validation loss' ? 'loss' : 'accuracy'
  return {
    name: 'early-stopping',
    key,
    options,
    start: () => ({ progress: start, weights: {} }),
    afterEpoch({ epoch, validation, variables }, state) {
      // Training on all data disables selection.
      if (!validation) return undefined
      const progress = observe(state.progress, epoch, validation[metric], options)
      state.progress = progress
      if (restoreBest && progress.epoch === epoch) state.weights = { ...variables }
      const { best, waited } = progress
      return waited >= options.patience
        ? { stop: `${reason(monitor, waited)}: ${best} in epoch ${progress.epoch}` }
        : undefined
    },
    finish({ variables }, { weights }) {
      for (const [path, value] of Object.entries(weights)) variables[path]?.assign(value)
    },
  }
}

interface Best {
  progress: Progress
  /** The weights of the best epoch, by path. */
  weights: Tensors
}

const reason = (monitor: string, epochs: number): string =>
  `the ${monitor} has not improved for ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`
