import { combineBatch, type IsActive, type Moment, type States } from './combine-batch.ts'
import type { Stage } from './stages.ts'
import type {
  NextGradients,
  Observer,
  PipelineBatch,
  Predict,
  Tensors,
  TrainingStep,
  Step,
  Trick,
} from './trick.ts'

/** All hooks of a trick. */
export type Hooks = Required<Pick<Trick<States>, Stage>>

/**
 * Combines all hooks of several tricks into one set, in the order of the data flow. All combinators, and the pipeline
 * of a whole run, are built on this function, with a rule for which tricks are active.
 *
 * @example
 * const { images } = combine('both', [randomFlip(), cutout()])
 */
export function combine(
  name: string,
  tricks: readonly Trick[],
  acts: IsActive = () => true,
): Hooks {
  const [{ learningRate, ...batchHooks }, fold, within] = combineBatch(name, tricks, acts)
  return {
    ...batchHooks,
    // The first trick in the list is the outermost: it sees the gradients after all others have changed them.
    gradients: (initial, step) =>
      fold(
        'gradients',
        step,
        (next: NextGradients) => next,
        (outer, trick, own) => (next) =>
          outer((options) =>
            trick.gradients!(
              (given) => next({ ...options, ...given }),
              options?.batch ? within(onBatch(step, options.batch), trick) : own,
            ),
          ),
      )(initial)(),
    learningRate,
    multipliers: (path, time, states) =>
      fold(
        'multipliers',
        { time, state: states },
        { rate: 1, decay: 1 },
        (product, trick, { state }) => {
          const { rate = 1, decay = 1 } = trick.multipliers!(path, time, state)
          return { rate: product.rate * rate, decay: product.decay * decay }
        },
      ),
    afterStep: (variables, step) =>
      fold<void, Step>('afterStep', step, undefined, (_, trick, own) =>
        trick.afterStep!(variables, own),
      ),
    observe: tricks.flatMap(
      (trick, i) =>
        trick.observe?.map((observer): Observer => ({
          every: observer.every,
          metrics(metrics, time, states) {
            if (acts(i, time))
              observer.metrics(metrics, time, within({ state: states }, trick).state)
          },
        })) ?? [],
    ),
    // Every trick sees the epoch, even after one has asked to stop. An epoch belongs to the time of its last step.
    afterEpoch: (epoch, states) =>
      fold<ReturnType<Hooks['afterEpoch']>, Moment>(
        'afterEpoch',
        { time: { ...epoch.time, step: epoch.time.step - 1 }, state: states },
        undefined,
        (verdict, trick, { state }) => {
          const own = trick.afterEpoch!(epoch, state)
          return verdict ?? own
        },
      ),
    finish: (end, states) =>
      fold<void, Moment>('finish', { state: states }, undefined, (_, trick, { state }) =>
        trick.finish!(end, state),
      ),
    evaluation: {
      weights: (variables, states) =>
        fold<Tensors, Moment>(
          'evaluation',
          { state: states },
          {},
          (all, { evaluation }, { state }) => ({
            ...all,
            ...evaluation!.weights?.(variables, state),
          }),
        ),
      predict: (initial, images, states) =>
        fold(
          'evaluation',
          { state: states },
          (next: Predict) => next,
          (outer, { evaluation }, { state }) =>
            (next) =>
              outer((given) => evaluation!.predict?.(next, given, state) ?? next(given)),
        )(initial)(images),
    },
  }
}

/** The step with another batch, such as a part of it; images keep their random streams. */
const onBatch = <S>(step: TrainingStep<S>, batch: PipelineBatch): TrainingStep<S> => ({
  ...step,
  batch,
  random: step.random.at(batch.time.step, batch.first),
})
