import { assertArgument, stepsOf, type Trick } from '@tricks/core'
import {
  defineOptions,
  defineParameters,
  duration,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

export {
  cosineRestarts,
  type CosineRestartsOptions,
  cosineRestartsOptions,
  cosineRestartsSchedule,
} from './restarts.ts'

export const cosineDecayOptions = defineOptions('cosine-decay', {
  /** Duration of the decay, by default the whole run; then the rate stays at `min`. */
  over: duration({ default: { fraction: 1 } }),
  /** The lowest rate. */
  min: number({ min: 0, default: 0 }),
})
export type CosineDecayOptions = OptionsOf<typeof cosineDecayOptions>

const parameters = defineParameters('cosine-decay', {
  rate: number({ above: 0 }),
  steps: integer({ min: 1 }),
  min: cosineDecayOptions.kinds.min,
})

/**
 * A cosine decay as a function of the step t: min + (rate − min) · (1 + cos(π t / steps)) / 2, and min from `steps` on.
 *
 * @param rate the rate at t = 0, above 0
 * @param steps duration of the decay, a positive integer
 * @param min the lowest rate, in [0, rate], default 0
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * cosineSchedule({ rate: 0.1, steps: 100 })(50) // 0.05
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983
 */
export function cosineSchedule(given: OptionsOf<typeof parameters>): (t: number) => number {
  const { rate, steps, min } = parameters.parse(given)
  assertArgument(min <= rate, 'cosine-decay', { min }, `a number in [0, ${rate}], the rate`)
  return (t) => min + ((rate - min) * (1 + Math.cos(Math.PI * Math.min(1, t / steps)))) / 2
}

/**
 * Lowers the learning rate along half a cosine.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([cosineDecay()], { steps: 3910 })
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983
 */
export function cosineDecay({ key, ...given }: CosineDecayOptions = {}): Trick {
  const options = cosineDecayOptions.parse(given)
  const { over, min } = options
  return {
    name: 'cosine-decay',
    key,
    options,
    setsRate: true,
    learningRate: (rate, time) =>
      cosineSchedule({ rate, steps: Math.max(1, stepsOf(over, time)), min })(time.step),
  }
}
