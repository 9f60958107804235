import { defineParameters, integer, number, type OptionsOf } from '@tricks/core/options'

const most = { max: 1e6, scale: 'log' } as const
const warmupSteps = integer({ min: 0, default: 0 })

export const scheduleFreeSgdOptions = defineParameters('schedule-free', {
  /** Constant learning rate; larger than with a schedule. */
  learningRate: number({ min: 0, ...most, default: 1 }),
  /** Where the gradient is computed: 0 is at the base, 1 at the average. */
  momentum: number({ above: 0, below: 1, default: 0.9 }),
  /** Number of steps over which the rate grows from 0. */
  warmupSteps,
  /** L2 penalty: `weightDecay` · w is added to the gradient. */
  weightDecay: number({ min: 0, ...most, default: 0 }),
})
export type ScheduleFreeSgdOptions = OptionsOf<typeof scheduleFreeSgdOptions>

export const scheduleFreeAdamwOptions = defineParameters('schedule-free', {
  /** Constant learning rate; one to ten times that with a schedule. */
  learningRate: number({ min: 0, ...most, default: 0.0025 }),
  /** Where the gradient is computed: 0 is at the base, 1 at the average. */
  beta1: number({ above: 0, below: 1, default: 0.9 }),
  /** Decay rate of the squared gradients' mean. */
  beta2: number({ min: 0, below: 1, default: 0.999 }),
  /** Added to the root of the squared gradients' mean. */
  epsilon: number({ above: 0, ...most, default: 1e-8 }),
  /** Number of steps over which the rate grows from 0. */
  warmupSteps,
  /** `weightDecay` · w is added to the normalised gradient. */
  weightDecay: number({ min: 0, ...most, default: 0 }),
})
export type ScheduleFreeAdamwOptions = OptionsOf<typeof scheduleFreeAdamwOptions>
