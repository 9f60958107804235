import { assertOption, type Trick } from '@tricks/core'

export interface LinearScalingOptions {
  /** The batch size that the optimizer's rate is meant for, a positive integer; default 256. */
  readonly baseBatchSize?: number
  /** Images a step; default those of the run. */
  readonly batchSize?: number
  /** Steps whose gradients are accumulated to one update, a positive integer; default 1. */
  readonly accumulation?: number
  /** Workers that each take such batches at once, a positive integer; default 1. */
  readonly workers?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * rate · batchSize / baseBatchSize.
 *
 * @param rate for batches of `baseBatchSize`, at least 0
 * @param batchSize images an update, a positive integer
 * @param baseBatchSize a positive integer, default 256
 * @throws RangeError for an option out of its range
 * @example
 * scaleRate(0.1, 1024) // 0.4
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function scaleRate(rate: number, batchSize: number, baseBatchSize: number = 256): number {
  assertOption(
    rate >= 0 && Number.isFinite(rate),
    'linear-scaling',
    { rate },
    'a number of at least 0',
  )
  checkCount({ batchSize })
  checkCount({ baseBatchSize })
  return rate * (batchSize / baseBatchSize)
}

function checkCount(option: Readonly<Record<string, number>>): void {
  const [count] = Object.values(option)
  assertOption(
    Number.isInteger(count) && count! > 0,
    'linear-scaling',
    option,
    'a positive integer',
  )
}

/**
 * Scales the learning rate by the images of an update: the batch size, times the steps that are accumulated, times the
 * workers.
 *
 * @throws RangeError for an option out of its range; Error where the batch size isn't known, as no run was set up
 * @example
 * compose([linearScaling({ accumulation: 4 })])
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function linearScaling({
  baseBatchSize = 256,
  batchSize,
  accumulation = 1,
  workers = 1,
  key,
}: LinearScalingOptions = {}): Trick<{ readonly batchSize: number }> {
  checkCount({ baseBatchSize })
  if (batchSize !== undefined) checkCount({ batchSize })
  checkCount({ accumulation })
  checkCount({ workers })
  return {
    name: 'linear-scaling',
    key,
    options: { baseBatchSize, batchSize, accumulation, workers },
    ...(batchSize === undefined && { start: (run) => ({ batchSize: run.batchSize }) }),
    learningRate: (rate, _, state) =>
      scaleRate(rate, (batchSize ?? state.batchSize) * accumulation * workers, baseBatchSize),
  }
}
