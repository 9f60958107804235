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
  /** The monitored metric. */
  monitor: choice(['validation loss', 'validation accuracy'], { default: 'validation loss' }),
  /** Consecutive epochs without improvement that end training. */
  patience: integer({ min: 1, default: 10 }),
  /** The smallest change that counts as an improvement, in the metric's unit. */
  minDelta: number({ min: 0, default: 0 }),
  /** `'min'` if smaller is better, `'max'` if larger is better. @defaultValue by `monitor` */
  mode: optional(choice(['min', 'max'])),
  /** Restore the weights of the best epoch when the run ends. */
  restoreBest: boolean({ default: true }),
})
export type EarlyStoppingOptions = OptionsOf<typeof earlyStoppingOptions>

const { patience, minDelta } = earlyStoppingOptions.kinds
export const stopParameters = defineParameters(name, {
  patience,
  minDelta,
  /** `'min'` if smaller is better (a loss), `'max'` if larger is better (an accuracy). */
  mode: choice(['min', 'max'], { default: 'min' }),
})
export type StopOptions = OptionsOf<typeof stopParameters>
