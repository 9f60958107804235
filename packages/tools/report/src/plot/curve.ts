import { assertArgument, type Metrics, type Time, type Trick } from '@tricks/core'
import { composeRun, isDue } from '@tricks/core/run'

/** A learning rate over a run. */
export interface RateCurve {
  readonly name: string
  /** Pairs of a step, from 0, and its rate: only as many as the curve needs, with both sides of each jump. */
  readonly points: readonly (readonly [step: number, rate: number])[]
  readonly steps: number
  /** Infinity if the run has no epochs. */
  readonly stepsPerEpoch: number
}

export interface RateCurveOptions {
  readonly name?: string
  /**
   * A list of tricks, of which those without a rate are ignored, or a schedule, such as that returned by
   * `cosineSchedule`.
   */
  readonly of: readonly Trick[] | ((t: number) => number)
  /** The optimizer's rate, the base for tricks; default 0.1. Unused for a schedule. */
  readonly rate?: number
  /** Default 30. */
  readonly epochs?: number
  /** Default 391: 50,000 images of CIFAR-10 in batches of 128. */
  readonly stepsPerEpoch?: number
  /** For a rate that depends on the batch size; default 128. */
  readonly batchSize?: number
  /** The metrics of each epoch, from 0, for rates that depend on them; default none. */
  readonly metrics?: (epoch: number) => {
    readonly training: Metrics
    readonly validation?: Metrics
  }
}

/**
 * Computes the learning rate at each step of a run, without running it.
 *
 * @throws RangeError for a length that is not a positive integer, and what `compose` throws for conflicting tricks
 * @example
 * const curve = rateCurve({ of: [warmup({ multiplier: 8, over: { epochs: 2 }, after: cosineDecay() })], rate: 0.0125 })
 * console.log(plotTerminal([curve]))
 * writeFileSync('rate.svg', plotSvg([curve]))
 */
export function rateCurve({
  name = 'learning rate',
  of,
  rate = 0.1,
  epochs = 30,
  stepsPerEpoch = 391,
  batchSize = 128,
  metrics,
}: RateCurveOptions): RateCurve {
  for (const [option, value] of Object.entries({ epochs, stepsPerEpoch, batchSize }))
    assertArgument(isCount(value), 'plot', { [option]: value }, 'a positive integer')
  const steps = epochs * stepsPerEpoch
  const rates =
    typeof of === 'function'
      ? Float64Array.from({ length: steps }, (_, step) => of(step))
      : planned(of, { rate, steps, stepsPerEpoch, batchSize, metrics })
  return { name, points: drawable(rates), steps, stepsPerEpoch }
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0

function planned(
  tricks: readonly Trick[],
  {
    rate,
    steps,
    stepsPerEpoch,
    batchSize,
    metrics,
  }: { rate: number; steps: number; stepsPerEpoch: number; batchSize: number } & Pick<
    RateCurveOptions,
    'metrics'
  >,
): Float64Array {
  const pipeline = composeRun(
    tricks.filter((trick) => trick.learningRate),
    { steps, stepsPerEpoch },
  )
  const timeOf = (step: number): Time => ({ step, steps, stepsPerEpoch })
  const facts = { size: stepsPerEpoch * batchSize, height: 1, width: 1, channels: 1, classes: 1 }
  const data = { ...facts, mean: [0], deviation: [1] }
  pipeline.start({ variables: {}, data, batchSize, time: timeOf(0) })
  const rates = new Float64Array(steps)
  for (let step = 0; step < steps; step++) {
    const time = timeOf(step)
    rates[step] = pipeline.learningRate(rate, time)
    if (!metrics) continue
    const epoch = Math.floor(step / stepsPerEpoch)
    const measured = metrics(epoch)
    for (const { every, metrics: observe } of pipeline.observe)
      if (isDue(every, time)) observe(measured.training, time)
    if ((step + 1) % stepsPerEpoch === 0)
      pipeline.afterEpoch({ epoch, time: timeOf(step + 1), variables: {}, ...measured })
  }
  pipeline.dispose()
  return rates
}

/** Samples a curve at regular steps, and on both sides of each jump. */
function drawable(rates: Float64Array): RateCurve['points'] {
  const stride = Math.max(1, Math.ceil(rates.length / 240))
  const range = rates.reduce((most, rate) => Math.max(most, rate), 0)
  const jumps = (step: number): boolean =>
    step > 0 && Math.abs(rates[step]! - rates[step - 1]!) > range / 100
  return Array.from(rates.keys())
    .filter(
      (step) => step % stride === 0 || step === rates.length - 1 || jumps(step) || jumps(step + 1),
    )
    .map((step) => [step, rates[step]!])
}
