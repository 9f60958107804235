import { stepsOf, type Trick } from '@tricks/core'
import {
  defineOptions,
  defineParameters,
  duration,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

const cycle = {
  /** Ratio of each cycle's length to that of the previous one. */
  multiplier: number({ min: 1, default: 1 }),
  /** The lowest rate. */
  min: number({ min: 0, default: 0 }),
  /** Factor of the highest rate at each restart. */
  decay: number({ above: 0, max: 1, default: 1 }),
  /** Number of cycles; after them, the rate stays at `min`. @defaultValue unlimited */
  cycles: optional(integer({ min: 1 })),
}

export const cosineRestartsOptions = defineOptions('cosine-restarts', {
  /** The length of the first cycle. */
  period: duration({ above: 0, default: { epochs: 10 } }),
  ...cycle,
})
export type CosineRestartsOptions = OptionsOf<typeof cosineRestartsOptions>

const parameters = defineParameters('cosine-restarts', {
  rate: number({ above: 0 }),
  period: integer({ min: 1 }),
  ...cycle,
})

/**
 * Cosine decay with restarts: the rate at step t, which is u steps into cycle i (from 0), is
 * min + (rate · decay^i − min) · (1 + cos(π u / (period · multiplier^i))) / 2; min after the last cycle.
 *
 * @param rate the rate at t = 0, above 0
 * @param period steps of the first cycle, a positive integer
 * @param multiplier at least 1, default 1
 * @param min default 0
 * @param decay in (0, 1], default 1
 * @param cycles a positive integer; by default unlimited
 * @returns a pure function of t, a step or an epoch, from 0
 * @throws RangeError for an option out of its range
 * @example
 * cosineRestartsSchedule({ rate: 0.1, period: 10, multiplier: 2 })(10) // 0.1
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983; timm's `CosineLRScheduler`
 */
export function cosineRestartsSchedule(given: OptionsOf<typeof parameters>): (t: number) => number {
  const { rate, period, multiplier, min, decay, cycles = Infinity } = parameters.parse(given)
  return (t) => {
    const { i, start, length } = cycleOf(t, period, multiplier)
    if (i >= cycles) return min
    // Halved first, as a huge difference would overflow.
    const share = (1 + Math.cos((Math.PI * (t - start)) / length)) / 2
    return min + (rate * decay ** i - min) * share
  }
}

/** The index of the cycle that contains t, its first step and its length. */
function cycleOf(t: number, period: number, multiplier: number) {
  if (multiplier === 1) {
    const index = Math.floor(t / period)
    return { i: index, start: index * period, length: period }
  }
  let [i, start, length] = [0, 0, period]
  while (t >= start + length) {
    start += length
    length *= multiplier
    i++
  }
  return { i, start, length }
}

/**
 * Lowers the learning rate along half a cosine, and restarts it periodically.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([cosineRestarts({ period: { epochs: 10 }, multiplier: 2 })], { stepsPerEpoch: 391 })
 * @see Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983
 */
export function cosineRestarts({ key, ...given }: CosineRestartsOptions = {}): Trick {
  const options = cosineRestartsOptions.parse(given)
  const { period, ...others } = options
  return {
    name: 'cosine-restarts',
    key,
    options,
    setsRate: true,
    learningRate: (rate, time) => {
      const steps = Math.max(1, stepsOf(period, time))
      return cosineRestartsSchedule({ ...others, rate, period: steps })(time.step)
    },
  }
}
