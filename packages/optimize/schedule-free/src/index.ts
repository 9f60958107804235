import { assertArgument, type Tensors, type Trick } from '@tricks/core'
import { ScheduleFreeAdamW, ScheduleFreeSgd } from './optimizer.ts'
import type { ScheduleFreeAdamwOptions, ScheduleFreeSgdOptions } from './options.ts'

export { ScheduleFreeAdamW, ScheduleFreeSgd }
export * from './options.ts'

/**
 * Schedule-free SGD: gradients move the base z, and are taken at y, which lies between z and x, the average of all bases.
 * At step t, from 1, with γ = learningRate · min(1, t / warmupSteps) and c = γ² / Σ γ²:
 *
 * g = gradient at y + weightDecay · y, z = z − γ g, x = (1 − c) x + c z, y = (1 − momentum) z + momentum x
 *
 * The variables hold y: evaluate on `evaluationWeights()`, or pass `averagedWeights(optimizer)` to the trainer.
 *
 * @returns a `tf.Optimizer`, for `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * const optimizer = scheduleFreeSgd({ learningRate: 1, warmupSteps: 100 })
 * train({ ...options, optimizer, tricks: [averagedWeights(optimizer)] })
 * @see Defazio et al. 2024, https://arxiv.org/abs/2405.15682; schedulefree's `SGDScheduleFree`
 */
export function scheduleFreeSgd(options: ScheduleFreeSgdOptions = {}): ScheduleFreeSgd {
  return new ScheduleFreeSgd(options)
}

/**
 * Schedule-free AdamW: as `scheduleFreeSgd`, with beta1 as its momentum and the gradient divided by
 * √(v / (1 − β₂ᵗ)) + ε before the decay is added, v = β₂ v + (1 − β₂) g².
 *
 * @returns a `tf.Optimizer`, for `minimize` and `applyGradients`
 * @throws RangeError for an option out of its range
 * @example
 * const optimizer = scheduleFreeAdamw({ learningRate: 0.0025, warmupSteps: 100, weightDecay: 0.05 })
 * train({ ...options, optimizer, tricks: [averagedWeights(optimizer)] })
 * @see Defazio et al. 2024, https://arxiv.org/abs/2405.15682; schedulefree's `AdamWScheduleFree`
 */
export function scheduleFreeAdamw(options: ScheduleFreeAdamwOptions = {}): ScheduleFreeAdamW {
  return new ScheduleFreeAdamW(options)
}

/**
 * Evaluates on the averages of a schedule-free optimizer, and leaves them in the model at the end of the run.
 *
 * The moving statistics of batch normalisation belong to the training weights, so `train` computes them from scratch for
 * the averages, as the authors do: from the batches of the latest epoch.
 *
 * @param optimizer the trainer's optimizer
 * @throws RangeError for another optimizer
 * @example
 * const optimizer = scheduleFreeSgd({ learningRate: 1 })
 * train({ ...options, optimizer, tricks: [averagedWeights(optimizer)] })
 */
export function averagedWeights(
  optimizer: ScheduleFreeSgd | ScheduleFreeAdamW,
): Trick<{ finished: boolean }> {
  // tf.Optimizer's instanceof accepts every optimizer.
  const known = typeof (optimizer as unknown) === 'object' && 'evaluationWeights' in optimizer
  assertArgument(known, 'averaged-weights', { optimizer }, 'a schedule-free optimizer')
  const averagesOf = (variables: Readonly<Record<string, { readonly name: string }>>): Tensors => {
    const averages = optimizer.evaluationWeights()
    return Object.fromEntries(
      Object.entries(variables).flatMap(([path, { name }]) =>
        averages[name] ? [[path, averages[name]]] : [],
      ),
    )
  }
  return {
    name: 'averaged-weights',
    options: {},
    start: () => ({ finished: false }),
    evaluation: {
      statistics: { epochs: 1 },
      weights: (variables, { finished }) => (finished ? {} : averagesOf(variables)),
    },
    finish({ variables, reason }, state) {
      if (reason === 'failed') return
      for (const [path, average] of Object.entries(averagesOf(variables)))
        variables[path]!.assign(average)
      state.finished = true
    },
  }
}
