/** Where a trick acts, in the order of a step. */
export const stages = [
  'augment',
  'mix',
  'loss',
  'schedule',
  'optimize',
  'evaluate',
  'model',
] as const
export type Stage = (typeof stages)[number]

/** What tricks of each stage do, for the prompt. */
export const meanings: Readonly<Record<Stage, string>> = {
  augment: 'changes images',
  mix: 'changes images and targets together',
  loss: 'changes the loss, or adds to it',
  schedule: 'sets the learning rate',
  optimize: 'changes the gradients',
  evaluate: 'changes evaluation, or acts on its results',
  model: 'sets the initial weights',
}

/** The parts of a new trick's test that depend on its stage. */
export interface TestParts {
  readonly types: string
  /** The function's inputs, by name, with their types. */
  readonly inputs: Readonly<Record<string, string>>
  readonly params: string
  /** The call, as an object of results by name. */
  readonly result: string
  readonly gives: string
  /** Imports from the kit that compare draws. */
  readonly kit?: readonly string[]
  /** Compares the draws with the paper's distribution. */
  readonly distribution?: string
}

const tensors = "import type * as tf from '@tensorflow/tfjs-core'"

export const tests: Readonly<Record<Stage, TestParts>> = {
  augment: {
    types: tensors,
    inputs: { images: 'tf.Tensor4D' },
    params: '{ strengths }',
    result: '{ images: applyNewTrick(images, params) }',
    gives: '{ images }',
    kit: ['expectUniform'],
    distribution: `distribution: (draws: readonly NewTrickParams[]) =>
    expectUniform({ strengths: draws.flatMap(({ strengths }) => strengths) }, 0, 0.5),`,
  },
  mix: {
    types: tensors,
    inputs: { images: 'tf.Tensor4D', targets: 'tf.Tensor2D' },
    params: '{ permutation, strength }',
    result: '{ ...applyNewTrick({ images, targets }, params) }',
    gives: '{ images, targets }',
    kit: ['evenly', 'expectFrequencies', 'expectUniform'],
    distribution: `distribution(draws: readonly NewTrickParams[]) {
    expectUniform({ strengths: draws.map(({ strength }) => strength) }, 0, 0.5)
    // Batches have eight images.
    expectFrequencies({ partners: draws.map(({ permutation }) => permutation[0]!) }, evenly(0, 8))
  },`,
  },
  loss: {
    types: tensors,
    inputs: { loss: 'tf.Scalar', logits: 'tf.Tensor2D', targets: 'tf.Tensor2D' },
    params: '{ strength }',
    result: '{ loss: applyNewTrick(loss, { logits, targets }, params) }',
    gives: '{ loss }',
  },
  schedule: {
    types: "import type { Time } from '@tricks/core'",
    inputs: { rate: 'number', time: 'Time' },
    params: '{ strength }',
    result: '{ rate: applyNewTrick(rate, time, params) }',
    gives: '{ rate }',
  },
  optimize: {
    types: "import type { Tensors } from '@tricks/core'",
    inputs: { gradients: 'Tensors' },
    params: '{ strength }',
    result: '{ gradients: applyNewTrick(gradients, params) }',
    gives: '{ gradients }',
  },
  evaluate: {
    types: tensors,
    inputs: { logits: 'tf.Tensor2D' },
    params: '{ strength }',
    result: '{ logits: applyNewTrick(logits, params) }',
    gives: '{ logits }',
  },
  model: {
    types: tensors,
    inputs: { weights: 'tf.Tensor' },
    params: '{ strength }',
    result: '{ weights: applyNewTrick(weights, params) }',
    gives: '{ weights }',
  },
}
