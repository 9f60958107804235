import * as tf from '@tensorflow/tfjs-core'
import { test } from 'vitest'
import { expectClose, type Fixture, fromFixture, type Tolerance } from './fixture.ts'
import { onEachBackend } from './suite.ts'

type Weights = Readonly<Record<string, Fixture | undefined>>

/** Steps of a reference's optimizer: the initial weights, each step's gradients, and the resulting weights. */
export interface OptimizerFixture<P> {
  readonly inputs: { readonly weights: Weights; readonly gradients: readonly Weights[] }
  readonly cases: readonly {
    readonly params: P
    /** The rate before each step, if it changes. */
    readonly rates?: readonly number[]
    /** The weights after each step; some may be omitted. */
    readonly expected: { readonly weights: readonly Weights[]; readonly evaluation?: Weights }
  }[]
}

/** The optimizer methods that `optimizerSteps` uses. */
export interface SteppedOptimizer extends tf.Optimizer {
  setLearningRate(rate: number): void
  /** The weights to evaluate with, by variable name, if they differ from the trained ones. */
  evaluationWeights?(): Record<string, tf.Tensor>
}

/**
 * Compares an optimizer with a reference's, step by step, on each backend.
 *
 * @param fixture the cases, each tested with a new optimizer
 * @param make creates an optimizer from a case's params
 * @param tolerance default 2e-6 absolute and 5e-5 relative
 * @example
 * const one = { shape: [1], dtype: 'float32', data: [1] }
 * const after = { shape: [1], dtype: 'float32', data: [0.9] }
 * const fixture = {
 *   inputs: { weights: { w: one }, gradients: [{ w: one }] },
 *   cases: [{ params: 0.1, expected: { weights: [{ w: after }] } }],
 * }
 * optimizerSteps(fixture, (rate) => tf.train.sgd(rate))
 */
export function optimizerSteps<P>(
  fixture: OptimizerFixture<P>,
  make: (params: P) => tf.Optimizer,
  tolerance: Tolerance = { absolute: 2e-6, relative: 5e-5 },
): void {
  const { inputs, cases } = fixture
  onEachBackend(() => {
    test.each(cases.map((each, index) => ({ ...each, number: index + 1 })))(
      'matches the reference: case $number',
      ({ params, rates, expected }) => {
        const optimizer = make(params) as SteppedOptimizer
        const paths = Object.keys(inputs.weights)
        const variables = paths.map((path) => tf.variable(fromFixture(inputs.weights[path]!)))
        for (const [step, gradients] of inputs.gradients.entries()) {
          if (rates) optimizer.setLearningRate(rates[step]!)
          optimizer.applyGradients(
            variables.map(({ name }, i) => ({ name, tensor: fromFixture(gradients[paths[i]!]!) })),
          )
          for (const [path, values] of Object.entries(expected.weights[step]!))
            expectClose(variables[paths.indexOf(path)]!, values!, tolerance)
        }
        const averages = optimizer.evaluationWeights?.()
        for (const [path, values] of Object.entries(expected.evaluation ?? {}))
          expectClose(averages![variables[paths.indexOf(path)]!.name]!, values!, tolerance)
        tf.dispose([variables, averages ?? {}])
        optimizer.dispose()
      },
    )
  })
}
