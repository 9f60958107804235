import type * as tf from '@tensorflow/tfjs-core'
import { combine } from './combine.ts'
import { type States, tidied } from './combine-batch.ts'
import { type Pipeline, type PipelineOptions, pipelineOf, type When } from './pipeline.ts'
import { copied, mapState, own } from './state.ts'
import type { Time } from './time.ts'
import type {
  End,
  Epoch,
  Metrics,
  Multipliers,
  NextGradients,
  Observer,
  PipelineBatch,
  Predict,
  State,
  Step,
  Tensors,
  Trick,
  Variables,
} from './trick.ts'

/** A pipeline with all hooks of a whole run. It holds the state of that run; the tricks hold none. */
export interface RunPipeline extends Pipeline {
  /** Factors for the learning rate and weight decay of the variable at `path`. */
  multipliers(path: string, when: When): Required<Multipliers>
  /** `predict` computes the model's logits in inference, for tricks that judge images before they train on them. */
  gradients(
    next: NextGradients,
    batch: PipelineBatch,
    variables: Variables,
    predict?: Predict,
  ): Tensors
  /** The step as hooks see it, for a loop that calls hooks itself; `first` as for `draw`. */
  step(when: When, first?: number): Step
  afterStep(variables: Variables, when: When): void
  /** The tricks that observe training metrics, and how often. */
  readonly observe: readonly (Pick<Observer, 'every'> & {
    metrics(metrics: Metrics, time: Time): void
  })[]
  afterEpoch(epoch: Epoch): { readonly stop: string } | undefined
  finish(end: End): void
  readonly evaluation: {
    weights(variables: Variables): Tensors
    predict(next: Predict, images: tf.Tensor4D): tf.Tensor2D
  }
  /** A copy of the tricks' states; the caller disposes its tensors. */
  save(): State
  /** Continues from a saved state, which is copied. */
  restore(saved: State): void
  /** Disposes the tricks' states. */
  dispose(): void
}

/**
 * Composes tricks into the pipeline of a whole run, which `train` drives: that of `compose`, and the hooks that change
 * gradients, weights and evaluation, with their state. In your own loop, call each hook at its place.
 *
 * @throws as `compose` does, except that it takes every trick
 * @example
 * const pipeline = composeRun([cutout({ length: 16 }), exponentialAverage()], { seed: 1 })
 */
export function composeRun(tricks: readonly Trick[], options: PipelineOptions = {}): RunPipeline {
  const hooks = combine('compose', tricks)
  const [pipeline, stepOf, held] = pipelineOf(tricks, hooks, options)
  let tensors: ReadonlySet<tf.Tensor> = new Set()
  /** Runs a function that may change the state, whose tensors outlive it. */
  const changing = <T>(work: () => T): T =>
    tidied(() => {
      try {
        return work()
      } finally {
        ;({ state: held.state, tensors } = own(held.state, tensors))
      }
    })
  // Copied, as `start` may return the same object to every run, and a saved state belongs to the caller.
  const setState = (make: () => States): void =>
    changing(() => {
      held.state = mapState(make(), copied)
    })

  return {
    ...pipeline,
    start: (run) =>
      setState(() => {
        pipeline.start(run)
        return held.state
      }),
    multipliers: (path, when) =>
      hooks.multipliers(path, stepOf(when).time, held.state) as Required<Multipliers>,
    gradients: (next, batch, variables, predict) =>
      changing(() => {
        const step = stepOf(batch.time, batch.first)
        return hooks.gradients(next, { ...step, batch, variables, ...(predict && { predict }) })
      }),
    step: stepOf,
    afterStep: (variables, when) => changing(() => hooks.afterStep(variables, stepOf(when))),
    observe: hooks.observe.map(({ every, metrics }) => ({
      every,
      metrics: (values, time) => changing(() => metrics(values, time, held.state)),
    })),
    afterEpoch: (epoch) => changing(() => hooks.afterEpoch(epoch, held.state)),
    finish: (end) => changing(() => hooks.finish(end, held.state)),
    evaluation: {
      weights: (variables) => hooks.evaluation.weights!(variables, held.state),
      predict: (next, images) => hooks.evaluation.predict!(next, images, held.state),
    },
    save: () => mapState(held.state, copied) as State,
    restore(saved) {
      for (const key of Object.keys(held.state))
        if (saved[key] === undefined)
          throw new Error(`compose: the saved state has none for '${key}'`)
      setState(() => saved)
    },
    dispose: () => setState(() => ({})),
  }
}
