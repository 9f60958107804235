import * as tf from '@tensorflow/tfjs-core'
import type { Trick } from '@tricks/core'
import { defineParameters, integer, number, type OptionsOf } from '@tricks/core/options'
import { NonFiniteError, openData, train, type TrainOptions, variablesOf } from '@tricks/train'
import { smooth, suggestedRate } from './suggest.ts'

const parameters = defineParameters('rate-finder', {
  /** Learning rate of the first step. */
  from: number({ above: 0, scale: 'log', default: 1e-6 }),
  /** Learning rate of the last step, unless the loss diverges before. */
  to: number({ above: 0, scale: 'log', default: 10 }),
  /** Number of steps. */
  steps: integer({ min: 20, default: 100 }),
})

/** The training run, without its length, and the range of rates. */
export interface RateFinderOptions
  extends
    Pick<
      TrainOptions,
      | 'model'
      | 'data'
      | 'tricks'
      | 'batchSize'
      | 'seed'
      | 'precision'
      | 'signal'
      | 'balanced'
      | 'repeats'
    >,
    OptionsOf<typeof parameters> {
  /** Creates a new optimizer, so that the state of yours doesn't change; its learning rate is not used. */
  readonly optimizer: () => tf.Optimizer
}

export interface FoundRate {
  /** The suggested rate: for a schedule, its highest. */
  readonly rate: number
  /** Per step, the rate and the smoothed loss. */
  readonly points: readonly { readonly rate: number; readonly loss: number }[]
  /** Whether the loss diverged before the last step. */
  readonly diverged: boolean
}

/** The run ends if the average of the losses, in which those before have this weight, ... */
const averaging = 0.98
/** ... is this many times its lowest value. */
const limit = 4
/** The smoothed loss is a Gaussian's average; its deviation, as a fraction of the steps. */
const smoothing = 0.02

/**
 * Trains for a few steps with a rate that grows exponentially, and suggests one from the course of the loss. At step t
 * the rate is from · (to / from)^(t / (steps − 1)). The run ends early if an exponential average of the losses, β = 0.98,
 * exceeds four times its lowest value, or if a loss isn't finite. The model's weights are restored.
 *
 * The suggestion is the highest rate before the loss, smoothed by a Gaussian with a deviation of a fiftieth of the steps, has
 * lost a third of its fall, and at most four times the rate at which it first had 95 % of its fall. fastai's default, the
 * middle of the longest fall of an exponential average, was too low for networks with batch normalisation.
 *
 * @param options model, data and tricks as for `train`; of the tricks, schedules have no effect, but factors per variable
 *   do
 * @throws RangeError for an option out of its range
 * @throws Error if the loss diverges in the first tenth of the steps, or doesn't fall; and what `train` throws
 * @example
 * const { rate } = await findRate({ model, data, optimizer: () => tf.train.momentum(0.1, 0.9), steps: 40 })
 * @see Smith 2015, https://arxiv.org/abs/1506.01186; fastai's `lr_find`, for the end of the run
 */
export async function findRate(options: RateFinderOptions): Promise<FoundRate> {
  const { from, to, steps, optimizer: make, tricks = [], signal, ...rest } = options
  const range = parameters.parse({
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(steps !== undefined && { steps }),
  })
  if (range.to <= range.from)
    throw new RangeError(
      `rate-finder: expected to to be above from (${range.from}), got ${range.to}`,
    )

  const stopped = new AbortController()
  const points: { rate: number; loss: number }[] = []
  const rateAt = (step: number): number =>
    range.from * (range.to / range.from) ** (step / (range.steps - 1))
  let average = 0
  let lowest = Infinity
  let diverged = false
  const sweep: Trick = {
    name: 'rate-finder',
    options: range,
    learningRate: (_, { step }) => rateAt(step),
    observe: [
      {
        every: { steps: 1 },
        metrics({ loss }, { step }) {
          average = averaging * average + (1 - averaging) * loss
          const recent = average / (1 - averaging ** (points.length + 1))
          points.push({ rate: rateAt(step), loss })
          lowest = Math.min(lowest, recent)
          diverged = recent > limit * lowest
          if (diverged || points.length === range.steps) stopped.abort()
        },
      },
    ],
  }
  const { validation: _, test: __, ...images } = rest.data
  const { batchSize = 128, seed = 0 } = rest
  const { stepsPerEpoch, facts } = openData({ ...images, batchSize, epochs: 1, seed })
  // Otherwise, `train` would compute the mean and deviation again.
  const data = { ...images, mean: facts.mean, deviation: facts.deviation }
  const weights = Object.values(variablesOf(rest.model)).map(
    (variable) => [variable, tf.clone(variable)] as const,
  )
  const optimizer = make()
  try {
    await train({
      ...rest,
      data,
      tricks: [...tricks, sweep],
      optimizer,
      epochs: Math.ceil(range.steps / stepsPerEpoch),
      validation: 0,
      readEvery: 1,
      signal: signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal,
    })
  } catch (error) {
    // A loss that isn't finite also ends the run, unless it is the first one.
    if (!(error instanceof NonFiniteError) || points.length === 0) throw error
    diverged = true
  } finally {
    for (const [variable, value] of weights) {
      variable.assign(value)
      value.dispose()
    }
    optimizer.dispose()
  }
  signal?.throwIfAborted()
  const losses = smooth(
    points.map(({ loss }) => loss),
    smoothing * range.steps,
  )
  const smoothed = points.map(({ rate }, i) => ({ rate, loss: losses[i]! }))
  return { rate: suggestedRate(smoothed, range.steps), points: smoothed, diverged }
}
