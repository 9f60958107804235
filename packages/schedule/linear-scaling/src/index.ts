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
  /** The batch size that the optimizer's rate was chosen for. */
  baseBatchSize: integer({ min: 1, default: 256 }),
  /** Images per step. @defaultValue the run's */
  batchSize: optional(integer({ min: 1 })),
  /** Number of steps whose gradients are accumulated for one update. */
  accumulation: integer({ min: 1, default: 1 }),
  /** Number of workers that process such batches in parallel. */
  workers: integer({ min: 1, default: 1 }),
})
export type LinearScalingOptions = OptionsOf<typeof linearScalingOptions>

const parameters = defineParameters('linear-scaling', {
  rate: number({ min: 0 }),
  batchSize: integer({ min: 1 }),
  baseBatchSize: linearScalingOptions.kinds.baseBatchSize,
})

/**
 * The linear scaling rule: rate · batchSize / baseBatchSize.
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
 * Scales the learning rate by the number of images per update: batch size × accumulated steps × workers.
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
