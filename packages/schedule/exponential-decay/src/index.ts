import { stepsOf, type Trick } from '@tricks/core'
import {
  defineOptions,
  defineParameters,
  duration,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const gamma = { above: 0, max: 1 } as const

export const exponentialDecayOptions = defineOptions('exponential-decay', {
  /** Factor of the rate over each interval `every`. */
  gamma: number({ ...gamma, default: 0.97 }),
  /** Interval over which the rate falls by `gamma`, evenly. */
  every: duration({ above: 0, default: { epochs: 1 } }),
})
export type ExponentialDecayOptions = OptionsOf<typeof exponentialDecayOptions>

const parameters = defineParameters('exponential-decay', {
  rate: number({ above: 0 }),
  gamma: number(gamma),
})

/**
 * Exponential decay: the rate at t is rate · gamma^t.
 *
 * @param rate at t = 0, above 0
 * @param gamma in (0, 1]
 * @returns a pure function of t, a step or an epoch, from 0; t may be a fraction
 * @throws RangeError for an option out of its range
 * @example
 * exponentialSchedule({ rate: 0.1, gamma: 0.5 })(2) // 0.025
 * @see `torch.optim.lr_scheduler.ExponentialLR`
 */
export function exponentialSchedule(given: OptionsOf<typeof parameters>): (t: number) => number {
  const { rate, gamma: factor } = parameters.parse(given)
  return (t) => rate * factor ** t
}

/**
 * Multiplies the learning rate by gamma over each epoch, or each interval `every`, spread evenly over its steps.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([exponentialDecay({ gamma: 0.97, every: { epochs: 2.4 } })], { stepsPerEpoch: 391 })
 * @see Tan and Le 2019, https://arxiv.org/abs/1905.11946
 */
export function exponentialDecay({ key, ...given }: ExponentialDecayOptions = {}): Trick {
  const options = exponentialDecayOptions.parse(given)
  return {
    name: 'exponential-decay',
    key,
    options,
    setsRate: true,
    learningRate: (rate, time) => {
      const steps = Math.max(1, stepsOf(options.every, time))
      return exponentialSchedule({ rate, gamma: options.gamma })(time.step / steps)
    },
  }
}
