import { boolean, defineParameters, number, optional, type OptionsOf } from '@tricks/core/options'

const most = 1e6

export const adaboundOptions = defineParameters('adabound', {
  /** Adam's initial rate; 0 only with a `baseLearningRate`. */
  learningRate: number({ min: 0, max: most, scale: 'log', default: 0.001 }),
  /** SGD's final rate. It scales with `learningRate`. */
  finalLearningRate: number({ above: 0, max: most, scale: 'log', default: 0.1 }),
  /** Decay rate of the gradients' mean. */
  beta1: number({ min: 0, below: 1, default: 0.9 }),
  /** Decay rate of the squared gradients' mean. */
  beta2: number({ min: 0, below: 1, default: 0.999 }),
  /** How fast the bounds converge to the final rate. */
  gamma: number({ above: 0, below: 1, scale: 'log', default: 0.001 }),
  /** Added to the root of the squared gradients' mean. */
  epsilon: number({ above: 0, max: most, scale: 'log', default: 1e-8 }),
  /** L2 penalty: `weightDecay` · w is added to the gradient. */
  weightDecay: number({ min: 0, max: most, scale: 'log', default: 0 }),
  /**
   * Subtract `weightDecay` · w from the weights directly (AdaBoundW). It is not scaled by the learning rate, so use a
   * small value.
   */
  decoupled: boolean({ default: false }),
  /** Divide by the largest squared gradients' mean so far (AMSBound). */
  amsbound: boolean({ default: false }),
  /** The rate that `finalLearningRate` refers to; saved with the optimizer. @defaultValue `learningRate` */
  baseLearningRate: optional(number({ min: 1e-20, max: most, scale: 'log' })),
})
export type AdaBoundOptions = OptionsOf<typeof adaboundOptions>
