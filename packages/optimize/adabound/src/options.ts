import { boolean, defineParameters, number, optional, type OptionsOf } from '@tricks/core/options'

const most = 1e6

export const adaboundOptions = defineParameters('adabound', {
  /** Adam's rate at the start; 0 only with a `baseLearningRate`. */
  learningRate: number({ min: 0, max: most, scale: 'log', default: 0.001 }),
  /** SGD's rate at the end. It grows and falls with `learningRate`. */
  finalLearningRate: number({ above: 0, max: most, scale: 'log', default: 0.1 }),
  /** How much of the gradients' mean stays at a step. */
  beta1: number({ min: 0, below: 1, default: 0.9 }),
  /** How much of the squared gradients' mean stays at a step. */
  beta2: number({ min: 0, below: 1, default: 0.999 }),
  /** How fast the bounds close in on the final rate. */
  gamma: number({ above: 0, below: 1, scale: 'log', default: 0.001 }),
  /** Added to the root of the squared gradients' mean. */
  epsilon: number({ above: 0, max: most, scale: 'log', default: 1e-8 }),
  /** This times the weights is added to the gradient. */
  weightDecay: number({ min: 0, max: most, scale: 'log', default: 0 }),
  /**
   * Subtract `weightDecay` · w from the weights themselves (AdaBoundW). It is not scaled by the learning rate, so take a
   * small one.
   */
  decoupled: boolean({ default: false }),
  /** Divide by the largest squared gradients' mean so far (AMSBound). */
  amsbound: boolean({ default: false }),
  /** The rate that `finalLearningRate` belongs to; a saved optimizer holds it. @defaultValue `learningRate` */
  baseLearningRate: optional(number({ min: 1e-20, max: most, scale: 'log' })),
})
export type AdaBoundOptions = OptionsOf<typeof adaboundOptions>
