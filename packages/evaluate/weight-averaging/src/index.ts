import { type End, stepsOf, type Tensors, type Trick } from '@tricks/core'
import { defineOptions, duration, type OptionsOf } from '@tricks/core/options'
import { emaDecay, emaUpdate, shape } from './ema.ts'

export { emaDecay, emaUpdate } from './ema.ts'

export const exponentialAverageOptions = defineOptions('exponential-average', {
  ...shape,
  /** Duration for which the average is just a copy of the weights. */
  after: duration({ default: { steps: 0 } }),
})
export type ExponentialAverageOptions = OptionsOf<typeof exponentialAverageOptions>

export const stochasticAverageOptions = defineOptions('stochastic-average', {
  /** When averaging starts. */
  from: duration({ default: { fraction: 0.75 } }),
  /** Interval between the averaged points. */
  every: duration({ above: 0, default: { epochs: 1 } }),
  /**
   * Recent part of training whose batches give the moving statistics of batch normalisation for the average, computed
   * for each evaluation; { steps: 0 } averages them like the weights.
   */
  statistics: duration({ default: { epochs: 1 } }),
})
export type StochasticAverageOptions = OptionsOf<typeof stochasticAverageOptions>

interface Average {
  /** Number of values in the average. */
  count: number
  /** By path, including the model's statistics; empty before the first value. */
  average: Tensors
}

/** Shared by both: evaluates on the average, which the model contains at the end. */
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
 * Evaluates on an exponential moving average of the weights, and leaves it in the model at the end of the run. Training
 * is unaffected. The moving statistics of batch normalisation are averaged in the same way, as in timm.
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
 * Stochastic weight averaging: evaluates on the mean of the weights at several points near the end of the run, and
 * leaves it in the model. Training is unaffected. Keep the learning rate fairly large during averaging.
 *
 * The statistics of batch normalisation are computed from scratch for the average, by `train`: the mean of those of the latest
 * batches of training images, before mixing.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, tricks: [stochasticAverage({ from: { fraction: 0.75 } })] })
 * @see Izmailov et al. 2018, https://arxiv.org/abs/1803.05407; `torch.optim.swa_utils`, `AveragedModel` and
 *   `update_bn`
 */
export function stochasticAverage({
  key,
  ...given
}: StochasticAverageOptions = {}): Trick<Average> {
  const options = stochasticAverageOptions.parse(given)
  return {
    ...averaging,
    evaluation: { ...averaging.evaluation, statistics: options.statistics },
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
