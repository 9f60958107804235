import { assertArgument, stepsOf, type Trick } from '@tricks/core'
import {
  boolean,
  choice,
  defineOptions,
  defineParameters,
  duration,
  integer,
  number,
  type OptionsOf,
} from '@tricks/core/options'

const shape = {
  /** Fraction of the cycle in which the rate rises; with `threePhase`, at most 0.5. */
  warmup: number({ min: 0, max: 1, default: 0.3 }),
  /** The first rate is the maximum divided by this. */
  divide: number({ min: 1, scale: 'log', default: 25 }),
  /** The last rate is the first one divided by this. */
  finalDivide: number({ min: 1, scale: 'log', default: 1e4 }),
  /** Shape of the rise and the fall. */
  anneal: choice(['cosine', 'linear'], { default: 'cosine' }),
  /** Fall back to the first rate as fast as it rose, then to the last rate. */
  threePhase: boolean({ default: false }),
}

export const oneCycleOptions = defineOptions('one-cycle', {
  /** Length of the cycle, by default the whole run; afterwards the last rate is kept. */
  over: duration({ default: { fraction: 1 } }),
  ...shape,
})
export type OneCycleOptions = OptionsOf<typeof oneCycleOptions>

const parameters = defineParameters('one-cycle', {
  maxRate: number({ above: 0 }),
  steps: integer({ min: 1 }),
  ...shape,
})

const checkThreePhase = ({ warmup, threePhase }: { warmup: number; threePhase: boolean }): void =>
  assertArgument(
    !threePhase || warmup <= 0.5,
    'one-cycle',
    { warmup },
    'at most 0.5 with threePhase',
  )

/**
 * One cycle as a function of the step t: from maxRate / divide up to maxRate at t = warmup · steps − 1, then down to
 * maxRate / divide / finalDivide at t = steps − 1, along half cosines, or lines.
 *
 * With `threePhase`, first down to maxRate / divide at t = 2 · warmup · steps − 2.
 *
 * @param maxRate the highest rate, above 0
 * @param steps the length of the cycle, a positive integer
 * @param warmup the fraction of `steps` in which the rate rises, in [0, 1], default 0.3
 * @param divide at least 1, default 25
 * @param finalDivide at least 1, default 10,000
 * @returns a pure function of t, a step, from 0
 * @throws RangeError for an option out of its range
 * @example
 * oneCycleSchedule({ maxRate: 0.1, steps: 100 })(29) // 0.1
 * @see Smith and Topin 2018, https://arxiv.org/abs/1708.07120; `torch.optim.lr_scheduler.OneCycleLR`
 */
export function oneCycleSchedule(given: OptionsOf<typeof parameters>): (t: number) => number {
  const { maxRate, steps, warmup, divide, finalDivide, anneal, threePhase } =
    parameters.parse(given)
  checkThreePhase({ warmup, threePhase })
  const first = maxRate / divide
  const last = first / finalDivide
  const phases = threePhase
    ? [
        { end: warmup * steps - 1, from: first, to: maxRate },
        { end: 2 * warmup * steps - 2, from: maxRate, to: first },
        { end: steps - 1, from: first, to: last },
      ]
    : [
        { end: warmup * steps - 1, from: first, to: maxRate },
        { end: steps - 1, from: maxRate, to: last },
      ]
  return (t) => {
    if (t > steps - 1) return last
    const index = phases.findIndex(({ end }) => t <= end)
    const { end, from, to } = phases[index]!
    const start = index === 0 ? 0 : phases[index - 1]!.end
    // A phase may be a single step.
    const part = end > start ? (t - start) / (end - start) : 1
    return anneal === 'linear'
      ? from + (to - from) * part
      : to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2
  }
}

/**
 * Runs one cycle of the learning rate: up to the optimizer's rate, which may be larger than usual, then far down.
 *
 * @throws RangeError for an option out of its range
 * @example
 * compose([oneCycle({ warmup: 0.25 })], { steps: 3910 })
 * @see Smith and Topin 2018, https://arxiv.org/abs/1708.07120
 */
export function oneCycle({ key, ...given }: OneCycleOptions = {}): Trick {
  const options = oneCycleOptions.parse(given)
  checkThreePhase(options)
  const { over, ...cycle } = options
  return {
    name: 'one-cycle',
    key,
    options,
    setsRate: true,
    learningRate: (maxRate, time) =>
      oneCycleSchedule({ ...cycle, maxRate, steps: Math.max(1, stepsOf(over, time)) })(time.step),
  }
}
