import { assertArgument, stepsOf, type Trick } from '@tricks/core'
import {
  defineOptions,
  defineParameters,
  duration,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const shape = {
  /** Exponent: 1 is linear, 0.5 falls late, 2 falls early. */
  power: number({ above: 0, scale: 'log', default: 1 }),
  /** The lowest rate. */
  min: number({ min: 0, default: 0 }),
}

export const polynomialDecayOptions = defineOptions('polynomial-decay', {
  /** Duration of the decay, by default the whole run; then the rate stays at `min`. */
  over: duration({ default: { fraction: 1 } }),
  ...shape,
})
export type PolynomialDecayOptions = OptionsOf<typeof polynomialDecayOptions>

const parameters = defineParameters('polynomial-decay', {
  rate: number({ above: 0 }),
  steps: integer({ min: 1 }),
  ...shape,
})

/**
 * Polynomial decay as a function of the step t: min + (rate − min) · (1 − t / steps)^power, and min from `steps` on.
 *
 * @param rate the rate at t = 0, above 0
 * @param steps duration of the decay, a positive integer
 * @param power above 0, default 1
 * @param min the lowest rate, in [0, rate], default 0
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * polynomialSchedule({ rate: 0.1, steps: 100, power: 2 })(50) // 0.025
 * @see Chen et al. 2016, https://arxiv.org/abs/1606.00915; `torch.optim.lr_scheduler.PolynomialLR`
 */
export function polynomialSchedule(given: OptionsOf<typeof parameters>): (t: number) => number {
  const { rate, steps, power, min } = parameters.parse(given)
  assertMin(min, rate)
  return (t) => decayed(rate, t / steps, power, min)
}

function assertMin(min: number, rate: number): void {
  assertArgument(min <= rate, 'polynomial-decay', { min }, `a number in [0, ${rate}], the rate`)
}

const decayed = (rate: number, done: number, power: number, min: number): number =>
  min + (rate - min) * Math.max(0, 1 - done) ** power

/**
 * Lowers the learning rate as a power of the remaining fraction of the run.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([polynomialDecay({ power: 0.9 })], { steps: 3910 })
 * @see Chen et al. 2016, https://arxiv.org/abs/1606.00915
 */
export function polynomialDecay({ key, ...given }: PolynomialDecayOptions = {}): Trick {
  const options = polynomialDecayOptions.parse(given)
  const { over, power, min } = options
  return {
    name: 'polynomial-decay',
    key,
    options,
    setsRate: true,
    learningRate: (rate, time) => {
      assertMin(min, rate)
      return decayed(rate, time.step / Math.max(1, stepsOf(over, time)), power, min)
    },
  }
}
