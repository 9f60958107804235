import * as tf from '@tensorflow/tfjs-core'
import { assertOption, type State, type Tensors, type Trick } from '@tricks/core'
import { fresh, name, next, resolve, type StoppingOptions, type Watch } from './watch.ts'
export type { StoppingOptions } from './watch.ts'

export interface EarlyStoppingOptions extends StoppingOptions {
  /** The validation metric that is watched; default 'loss'. Its mode is 'min', that of accuracy 'max'. */
  readonly monitor?: 'loss' | 'accuracy'
  /** End on the weights of the best epoch, at a stop and at the run's end; default true. */
  readonly restoreBest?: boolean
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * Where training would have stopped: after `patience` epochs in a row that are no better than the best so far.
 *
 * @param history an epoch's metric each
 * @returns `stop`, the epoch after which to stop, from 0, or null if never; and `best`, the best epoch until
 * then, null where none has a finite metric
 * @throws RangeError for an option out of its range
 * @example
 * stopsAt([1, 0.8, 0.9, 0.9], { patience: 2 }) // { stop: 3, best: 1 }
 * @see Prechelt 1998, https://doi.org/10.1007/3-540-49430-8_3
 */
export function stopsAt(
  history: readonly number[],
  options: StoppingOptions = {},
): { readonly stop: number | null; readonly best: number | null } {
  const resolved = resolve(options)
  let watch = fresh
  for (const [epoch, metric] of history.entries()) {
    watch = next(watch, metric, epoch, resolved)
    if (watch.bad >= resolved.patience) return { stop: epoch, best: watch.epoch }
  }
  return { stop: null, best: watch.epoch }
}

/**
 * Ends training when a validation metric stops getting better, on the weights of the best epoch.
 *
 * Without validation, as when training on all the data, selection is off: it neither stops nor restores.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([earlyStopping({ monitor: 'accuracy', patience: 10 })])
 * @see Prechelt 1998, https://doi.org/10.1007/3-540-49430-8_3
 */
export function earlyStopping({
  monitor = 'loss',
  mode = monitor === 'loss' ? 'min' : 'max',
  restoreBest = true,
  key,
  ...given
}: EarlyStoppingOptions = {}): Trick {
  assertOption(['loss', 'accuracy'].includes(monitor), name, { monitor }, "'loss' or 'accuracy'")
  const options = resolve({ ...given, mode })
  let watch = fresh
  let weights: Tensors = {}
  const keep = (tensors: Tensors): void => {
    tf.dispose(Object.values(weights))
    weights = Object.fromEntries(
      Object.entries(tensors).map(([path, tensor]) => [path, tf.keep(tf.clone(tensor))]),
    )
  }
  return {
    name,
    key,
    options: { monitor, ...options, restoreBest },
    setup() {
      watch = fresh
      keep({})
    },
    afterEpoch({ epoch, time, validation, variables }) {
      if (!validation) return undefined
      watch = next(watch, validation[monitor], epoch, options)
      if (restoreBest && watch.epoch === epoch) keep(variables)
      const stops = watch.bad >= options.patience
      if (stops || time.step >= time.steps) {
        for (const [path, best] of Object.entries(weights)) variables[path]!.assign(best)
        keep({})
      }
      const since = watch.epoch === null ? 'the start' : `epoch ${watch.epoch}`
      return stops ? { stop: `validation ${monitor} is no better since ${since}` } : undefined
    },
    state: {
      save: () => ({
        ...watch,
        weights: Object.fromEntries(
          Object.entries(weights).map(([path, tensor]) => [path, tf.clone(tensor)]),
        ),
      }),
      restore({ weights: saved, ...seen }: State) {
        watch = seen as unknown as Watch
        keep(saved as Tensors)
      },
    },
  }
}
