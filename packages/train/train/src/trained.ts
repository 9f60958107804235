import type { Time, Variables } from '@tricks/core'
import type { RunPipeline } from '@tricks/core/run'
import { trainableOf } from '@tricks/core/model'

/**
 * The variables that a step trains: the trainable ones whose rate the tricks don't set to 0. The others are frozen in
 * that step: they get no gradient, layers treat them as frozen, and the optimizer doesn't see them.
 *
 * @throws Error if no variable is left to train
 */
export function trainedIn(
  variables: Variables,
  pipeline: Pick<RunPipeline, 'multipliers'>,
  time: Time,
): Variables {
  const trained = Object.entries(trainableOf(variables)).filter(
    ([path]) => pipeline.multipliers(path, time).rate !== 0,
  )
  if (trained.length === 0)
    throw new Error(
      `train: expected the tricks to leave variables to train in step ${time.step}, got a rate of 0 for all of them. ` +
        'Freeze fewer layers.',
    )
  return Object.fromEntries(trained)
}
