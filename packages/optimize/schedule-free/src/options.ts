import { defineParameters, integer, number, type OptionsOf } from '@tricks/core/options'

const most = { max: 1e6, scale: 'log' } as const
const warmupSteps = integer({ min: 0, default: 0 })

export const scheduleFreeSgdOptions = defineParameters('schedule-free', {
  /** The rate, which stays; larger than with a schedule. */
  learningRate: number({ min: 0, ...most, default: 1 }),
  /** Where the gradient is taken: this share from the base to the average. */
  momentum: number({ above: 0, below: 1, default: 0.9 }),
  /** The rate grows over so many steps. */
  warmupSteps,
  /** Factor of the weights that are added to the gradient. */
  weightDecay: number({ min: 0, ...most, default: 0 }),
})
export type ScheduleFreeSgdOptions = OptionsOf<typeof scheduleFreeSgdOptions>

export const scheduleFreeAdamwOptions = defineParameters('schedule-free', {
  /** The rate, which stays; one to ten times that with a schedule. */
  learningRate: number({ min: 0, ...most, default: 0.0025 }),
  /** Where the gradient is taken: this share from the base to the average. */
  beta1: number({ above: 0, below: 1, default: 0.9 }),
  /** Decay rate of the squared gradients' mean. */
  beta2: number({ min: 0, below: 1, default: 0.999 }),
  /** Added to the root of the squared gradients' mean. */
  epsilon: number({ above: 0, ...most, default: 1e-8 }),
  /** The rate grows over so many steps. */
  warmupSteps,
  /** Factor of the weights that are added to the normalised gradient. */
  weightDecay: number({ min: 0, ...most, default: 0 }),
})
export type ScheduleFreeAdamwOptions = OptionsOf<typeof scheduleFreeAdamwOptions>
