import { type End, stepsOf, type Tensors, type Trick } from '@tricks/core'
import { defineOptions, duration, type OptionsOf } from '@tricks/core/options'
import { emaDecay, emaUpdate, shape } from './ema.ts'

export { emaDecay, emaUpdate } from './ema.ts'

export const exponentialAverageOptions = defineOptions('exponential-average', {
  ...shape,
  /** How long the average is a copy of the weights. */
  after: duration({ default: { steps: 0 } }),
})
export type ExponentialAverageOptions = OptionsOf<typeof exponentialAverageOptions>

export const stochasticAverageOptions = defineOptions('stochastic-average', {
  /** From when on weights are averaged. */
  from: duration({ default: { fraction: 0.75 } }),
  /** From one point of the average to the next. */
  every: duration({ above: 0, default: { epochs: 1 } }),
})
export type StochasticAverageOptions = OptionsOf<typeof stochasticAverageOptions>

interface Average {
  /** How many values it is of. */
  count: number
  /** By path, the model's statistics too; empty before the first. */
  average: Tensors
}

/** What both share: evaluation on the average, which the model holds at the end. */
const averaging = {
  start: (): Average => ({ count: 0, average: {} }),
  evaluation: {
    weights: (_: unknown, { average }: Average): Tensors =>
      Object.fromEntries(Object.entries(average).map(([path, value]) => [path, value.clone()])),
  },
  finish({ variables, reason }: End, { average }: Average): void {
    if (reason === 'failed') return
    for (const [path, value] of Object.entries(average)) variables[path]!.assign(value)
  },
} satisfies Partial<Trick<Average>>

const add = (variables: Tensors, state: Average, decay: number): void => {
  state.average = state.count === 0 ? { ...variables } : emaUpdate(state.average, variables, decay)
  state.count++
}

/**
 * Evaluates on an exponential moving average of the weights, and ends the run with it in the model; training goes its
 * way. The moving statistics of batch normalisation are averaged alike, as timm does.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, tricks: [exponentialAverage({ decay: 0.999, warmup: true })] })
 * @see Polyak and Juditsky 1992; timm's `ModelEmaV3`
 */
export function exponentialAverage({
  key,
  ...given
}: ExponentialAverageOptions = {}): Trick<Average> {
  const options = exponentialAverageOptions.parse(given)
  const { after, ...how } = options
  return {
    ...averaging,
    name: 'exponential-average',
    key,
    options,
    afterStep(variables, { time, state }) {
      const steps = stepsOf(after, time)
      add(variables, state, emaDecay(state.count + 1, { ...how, after: steps }))
    },
  }
}

/**
 * Stochastic weight averaging: evaluates on the mean of the weights at several points of the end of the run, and ends
 * with it in the model; training goes its way. Give the optimizer a rate that stays rather large meanwhile.
 *
 * The moving statistics of batch normalisation are averaged alike.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, tricks: [stochasticAverage({ from: { fraction: 0.75 } })] })
 * @see Izmailov et al. 2018, https://arxiv.org/abs/1803.05407; `torch.optim.swa_utils.AveragedModel`
 */
export function stochasticAverage({
  key,
  ...given
}: StochasticAverageOptions = {}): Trick<Average> {
  const options = stochasticAverageOptions.parse(given)
  return {
    ...averaging,
    name: 'stochastic-average',
    key,
    options,
    afterStep(variables, { time, state }) {
      const since = time.step + 1 - stepsOf(options.from, time)
      const every = Math.max(1, stepsOf(options.every, time))
      if (since < 0 || since % every !== 0) return
      add(variables, state, state.count / (state.count + 1))
    },
  }
}
