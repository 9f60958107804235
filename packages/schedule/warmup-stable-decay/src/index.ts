import { assertArgument, stepsOf, type Trick } from '@tricks/core'
import {
  choice,
  defineOptions,
  defineParameters,
  duration,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const fall = {
  /** Shape of the decay. */
  shape: choice(['linear', '1-sqrt', 'cosine'], { default: 'linear' }),
  /** The lowest rate. */
  min: number({ min: 0, default: 0 }),
}

export const warmupStableDecayOptions = defineOptions('warmup-stable-decay', {
  /** Duration of the warm-up from 0. */
  warmup: duration({ default: { fraction: 0.05 } }),
  /** Duration of the decay at the end of the run. */
  decay: duration({ default: { fraction: 0.2 } }),
  ...fall,
})
export type WarmupStableDecayOptions = OptionsOf<typeof warmupStableDecayOptions>

const steps = integer({ min: 0 })
const parameters = defineParameters('warmup-stable-decay', {
  rate: number({ above: 0 }),
  warmup: steps,
  stable: steps,
  decay: steps,
  ...fall,
})

const shapes = {
  linear: (part: number) => 1 - part,
  '1-sqrt': (part: number) => 1 - Math.sqrt(part),
  cosine: (part: number) => (1 + Math.cos(Math.PI * part)) / 2,
}

/**
 * The three phases as a function of the step t: rate · t / warmup, then rate for `stable` steps, then min + (rate −
 * min) · shape(p) for `decay` steps, then min. For the fraction p of the decay, the shapes are 1 − p, 1 − √p and (1 +
 * cos(π p)) / 2.
 *
 * @param rate the highest rate, above 0
 * @param warmup steps, an integer of at least 0, as `stable` and `decay`
 * @param min the lowest rate, in [0, rate], default 0
 * @returns a pure function of t, a step, from 0
 * @throws RangeError for an option out of its range
 * @example
 * const rate = warmupStableDecaySchedule({ rate: 0.1, warmup: 5, stable: 20, decay: 10 })
 * rate(30) // 0.05
 * @see Hu et al. 2024, https://arxiv.org/abs/2404.06395; Hägele et al. 2024, https://arxiv.org/abs/2405.18392
 */
export function warmupStableDecaySchedule(
  given: OptionsOf<typeof parameters>,
): (t: number) => number {
  const { rate, warmup, stable, decay, shape, min } = parameters.parse(given)
  assertArgument(min <= rate, 'warmup-stable-decay', { min }, `a number in [0, ${rate}], the rate`)
  return (t) => {
    if (t < warmup) return (rate * t) / warmup
    const falling = t - warmup - stable
    if (falling < 0) return rate
    return falling < decay ? min + (rate - min) * shapes[shape](falling / decay) : min
  }
}

/**
 * Raises the learning rate to the optimizer's own, keeps it, and lowers it at the end of the run.
 *
 * Its warm-up counts steps from 1, so that no step has a rate of 0.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([warmupStableDecay({ decay: { fraction: 0.2 }, shape: '1-sqrt' })], { steps: 3910 })
 * @see Hu et al. 2024, https://arxiv.org/abs/2404.06395; Hägele et al. 2024, https://arxiv.org/abs/2405.18392
 */
export function warmupStableDecay({ key, ...given }: WarmupStableDecayOptions = {}): Trick {
  const options = warmupStableDecayOptions.parse(given)
  return {
    name: 'warmup-stable-decay',
    key,
    options,
    setsRate: true,
    learningRate(rate, time) {
      const [warmup, decay] = [stepsOf(options.warmup, time), stepsOf(options.decay, time)]
      const stable = Math.max(0, time.steps - warmup - decay)
      const { shape, min } = options
      const schedule = warmupStableDecaySchedule({ rate, warmup, stable, decay, shape, min })
      return schedule(time.step < warmup ? time.step + 1 : time.step)
    },
  }
}
