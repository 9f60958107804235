import { assertOption, type Trick } from '@tricks/core'

export interface LinearScalingOptions {
  /** Images in one step of one worker, a positive integer; default the run's own batch size. */
  readonly batchSize?: number
  /** The batch size that the optimizer's rate was chosen for; default 256, as in the paper. */
  readonly baseBatchSize?: number
  /** Batches whose gradients are added up before an update; default 1. */
  readonly accumulation?: number
  /** Workers whose gradients are averaged; default 1. */
  readonly workers?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/**
 * The rate for a batch size: rate · batchSize / baseBatchSize.
 *
 * @param rate a good rate for `baseBatchSize`, at least 0
 * @param batchSize images an update, a positive integer
 * @param baseBatchSize default 256
 * @throws RangeError for a batch size that is no positive integer, or a negative rate
 * @example
 * scaleRate(0.1, 1024) // 0.4
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function scaleRate(rate: number, batchSize: number, baseBatchSize: number = 256): number {
  assertOption(rate >= 0 && Number.isFinite(rate), 'linear-scaling', { rate }, 'at least 0')
  assertCount({ batchSize })
  assertCount({ baseBatchSize })
  return (rate * batchSize) / baseBatchSize
}

/**
 * Scales the learning rate with the images an update is made of: batch size × accumulation × workers.
 *
 * It scales the rate so far, so a schedule may come before or after it in the list.
 *
 * @throws RangeError for an option that is no positive integer
 * @example
 * compose([linearScaling({ batchSize: 1024 }), cosineDecay()], { steps: 3910 })
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function linearScaling({
  batchSize,
  baseBatchSize = 256,
  accumulation = 1,
  workers = 1,
  key,
}: LinearScalingOptions = {}): Trick {
  if (batchSize !== undefined) assertCount({ batchSize })
  assertCount({ baseBatchSize })
  assertCount({ accumulation })
  assertCount({ workers })
  let images = batchSize
  return {
    name: 'linear-scaling',
    key,
    options: { batchSize, baseBatchSize, accumulation, workers },
    setup(run) {
      images = batchSize ?? run.batchSize
    },
    learningRate(rate) {
      if (images === undefined)
        throw new Error(
          'linear-scaling: the batch size is unknown: call setup with the run, or give { batchSize }',
        )
      return scaleRate(rate, images * accumulation * workers, baseBatchSize)
    },
  }
}

function assertCount(option: Readonly<Record<string, number>>): void {
  const valid = Object.values(option).every((value) => Number.isInteger(value) && value > 0)
  assertOption(valid, 'linear-scaling', option, 'a positive integer')
}
