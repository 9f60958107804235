import type { Trick } from '@tricks/core'
import {
  defineOptions,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

export const linearScalingOptions = defineOptions('linear-scaling', {
  /** The batch size that the optimizer's rate is meant for. */
  baseBatchSize: integer({ min: 1, default: 256 }),
  /** Images per step. @defaultValue the run's */
  batchSize: optional(integer({ min: 1 })),
  /** Steps whose gradients are accumulated to one update. */
  accumulation: integer({ min: 1, default: 1 }),
  /** Workers that each take such batches at once. */
  workers: integer({ min: 1, default: 1 }),
})
export type LinearScalingOptions = OptionsOf<typeof linearScalingOptions>

const parameters = defineParameters('linear-scaling', {
  rate: number({ min: 0 }),
  batchSize: integer({ min: 1 }),
  baseBatchSize: linearScalingOptions.kinds.baseBatchSize,
})

/**
 * rate · batchSize / baseBatchSize.
 *
 * @param rate for batches of `baseBatchSize`, at least 0
 * @param batchSize images per update, a positive integer
 * @param baseBatchSize a positive integer, default 256
 * @throws RangeError for an option out of its range
 * @example
 * scaleRate(0.1, 1024) // 0.4
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function scaleRate(rate: number, batchSize: number, baseBatchSize?: number): number {
  const of = parameters.parse({ rate, batchSize, baseBatchSize })
  return of.rate * (of.batchSize / of.baseBatchSize)
}

/**
 * Scales the learning rate by the images of an update: the batch size, times the steps that are accumulated, times the
 * workers.
 *
 * @throws RangeError for an option out of its range; Error if the batch size is unknown, as no run has started
 * @example
 * compose([linearScaling({ accumulation: 4 })])
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function linearScaling({ key, ...given }: LinearScalingOptions = {}): Trick<{
  readonly batchSize: number
}> {
  const options = linearScalingOptions.parse(given)
  const { baseBatchSize, batchSize, accumulation, workers } = options
  return {
    name: 'linear-scaling',
    key,
    options,
    ...(batchSize === undefined && { start: (run) => ({ batchSize: run.batchSize }) }),
    learningRate: (rate, _, state) =>
      scaleRate(rate, (batchSize ?? state.batchSize) * accumulation * workers, baseBatchSize),
  }
}
