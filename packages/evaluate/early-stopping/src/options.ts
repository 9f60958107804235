import {
  boolean,
  choice,
  defineOptions,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

const name = 'early-stopping'

export const earlyStoppingOptions = defineOptions(name, {
  /** What has to improve. */
  monitor: choice(['validation loss', 'validation accuracy'], { default: 'validation loss' }),
  /** Consecutive epochs without improvement that end training. */
  patience: integer({ min: 1, default: 10 }),
  /** What an improvement has to exceed, in the metric's unit. */
  minDelta: number({ min: 0, default: 0 }),
  /** `'min'` if a small metric is good, `'max'` if a large one is. @defaultValue by `monitor` */
  mode: optional(choice(['min', 'max'])),
  /** Restore the weights of the best epoch when the run ends. */
  restoreBest: boolean({ default: true }),
})
export type EarlyStoppingOptions = OptionsOf<typeof earlyStoppingOptions>

const { patience, minDelta } = earlyStoppingOptions.kinds
export const stopParameters = defineParameters(name, {
  patience,
  minDelta,
  /** `'min'` if a small metric is good (a loss), `'max'` if a large one is (an accuracy). */
  mode: choice(['min', 'max'], { default: 'min' }),
})
export type StopOptions = OptionsOf<typeof stopParameters>
