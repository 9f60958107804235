import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from './option.ts'
import type { Random } from './random.ts'
import type { Stage } from './stages.ts'
import type { Time } from './time.ts'
import type {
  Augmentation,
  Batch,
  NextGradients,
  Observer,
  PipelineBatch,
  Predict,
  Step,
  Tensors,
  TrainingStep,
  Trick,
} from './trick.ts'

/**
 * Whether the i-th trick is active in this step. `random` is the combinator's own stream; stages that are not tied to
 * one step have none.
 */
export type IsActive = (i: number, time: Time, random?: Random) => boolean

/** A trick's key among its siblings. */
export const keyOf = (trick: Trick): string => trick.key ?? trick.name

/** A trick's entry in a record. Looks at own properties only, as a key may equal the name of an inherited method. */
export const entryOf = (trick: Trick, record: Readonly<Record<string, unknown>> | undefined) =>
  record && Object.hasOwn(record, keyOf(trick)) ? record[keyOf(trick)] : undefined

/** `tf.tidy` around a hook: intermediate tensors are disposed even if no trainer tidies up. */
export const tidied = <T>(work: () => T): T => tf.tidy(work as () => tf.TensorContainer) as T

/** The states of several tricks, each under its trick's key. */
export type States = Readonly<Record<string, unknown>>

/** All hooks of a trick. */
export type Hooks = Required<Pick<Trick<States>, Stage>>

/**
 * Combines the hooks of several tricks into one set. Each trick gets its own random stream, prepared tensors and state
 * under its key. Without tricks every hook is the identity. `compose` and all combinators are built on this function,
 * with a rule for which tricks are active.
 *
 * @example
 * const { images } = combine('both', [randomFlip(), cutout()])
 */
export function combine(
  name: string,
  tricks: readonly Trick[],
  acts: IsActive = () => true,
): Hooks {
  checkTricks(name, tricks)
  const stateOf = (trick: Trick, states: unknown): unknown => {
    const own = entryOf(trick, states as States | undefined)
    if (trick.start && own === undefined)
      throw new Error(
        `${name}: '${keyOf(trick)}' keeps state in the run, which has not started: call pipeline.start(run)`,
      )
    return own
  }
  /** The moment as passed to a trick. */
  const within = <M extends Moment>(moment: M, trick: Trick) =>
    ({
      ...moment,
      random: moment.random?.fork(keyOf(trick)),
      state: moment.state && stateOf(trick, moment.state),
    }) as M & Step
  /** Applies the active tricks that have the hook in turn, each to the result of the one before. */
  const fold = <T, M extends Moment>(
    hook: Stage,
    moment: M,
    initial: T,
    change: (value: T, trick: Trick, own: M & Step) => T,
  ): T =>
    tricks.reduce(
      (value, trick, i) =>
        trick[hook] && (!moment.time || acts(i, moment.time, moment.random))
          ? change(value, trick, within(moment, trick))
          : value,
      initial,
    )
  const augmentation = <T>(hook: 'images' | 'mix'): Augmentation<T, Drawn> => ({
    draw: (random, shape, time) =>
      fold<Drawn | undefined, Moment>(hook, { time, random }, undefined, (drawn, trick, own) => {
        const params = trick[hook]!.draw(own.random, shape, time)
        return params === undefined ? drawn : { ...drawn, [keyOf(trick)]: params }
      }),
    apply: (input, params) =>
      tidied(() =>
        drawnFor(hook, tricks, params).reduce(
          (value, [trick, own]) => (trick[hook] as Augmentation<T>).apply(value, own),
          input,
        ),
      ),
    describe: (params, image) =>
      drawnFor(hook, tricks, params)
        .map(([trick, own]) => trick[hook]!.describe?.(own, image))
        .filter(Boolean)
        .join(', '),
  })

  return {
    start: (run) =>
      fold('start', { random: run.random }, {}, (states, trick, { random }) => ({
        ...states,
        [keyOf(trick)]: trick.start!({ ...run, random }) ?? null,
      })),
    images: augmentation<tf.Tensor4D>('images'),
    mix: augmentation<Batch>('mix'),
    targets: (initial, step) =>
      fold('targets', step, initial, (targets, trick, own) => trick.targets!(targets, own)),
    prepare: (batch, step) =>
      fold<Tensors, Step>('prepare', step, {}, (made, trick, own) => ({
        ...made,
        ...renamed(trick.prepare!(batch, own), '', `${keyOf(trick)}/`),
      })),
    loss: (initial, pass) =>
      fold('loss', pass, initial, (loss, trick, own) =>
        trick.loss!(loss, { ...own, prepared: renamed(pass.prepared, `${keyOf(trick)}/`, '') }),
      ),
    penalty: (variables, step) =>
      fold('penalty', step, tf.scalar(0), (sum, trick, own) =>
        tf.add(sum, trick.penalty!(variables, own)),
      ),
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
    learningRate: (initial, time, states) =>
      fold('learningRate', { time, state: states }, initial, (rate, trick, { state }) =>
        trick.learningRate!(rate, time, state),
      ),
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
            if (acts(i, time)) observer.metrics(metrics, time, stateOf(trick, states))
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

/** The step with another batch, such as a part of its own; images keep their random streams. */
const onBatch = <S>(step: TrainingStep<S>, batch: PipelineBatch): TrainingStep<S> => ({
  ...step,
  batch,
  random: step.random.at(batch.time.step, batch.first),
})

/** A step, or parts of it; without a time it is the whole run, in which every trick is active. */
type Moment = Partial<Step>

/** Draws by trick key. */
export type Drawn = Readonly<Record<string, unknown>>

/** The tricks that have draws, each with its own. */
export const drawnFor = (
  hook: 'images' | 'mix',
  tricks: readonly Trick[],
  drawn: Drawn | undefined,
): [Trick, unknown][] =>
  tricks
    .map((trick): [Trick, unknown] => [trick, entryOf(trick, drawn)])
    .filter(([trick, own]) => trick[hook] && own !== undefined)

/** Renames tensors: the prefix `from` becomes `to`. */
const renamed = (tensors: Tensors, from: string, to: string): Tensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([path]) => path.startsWith(from))
      .map(([path, tensor]) => [to + path.slice(from.length), tensor]),
  )

const isTrick = (value: unknown): value is Trick =>
  typeof (value as Partial<Trick> | null | undefined)?.name === 'string'

/** @throws Error unless `tricks` is a list of tricks with distinct keys */
function checkTricks(name: string, tricks: readonly Trick[]): void {
  assertArgument(Array.isArray(tricks), name, { tricks }, 'a list of tricks')
  for (const trick of tricks as readonly unknown[]) {
    if (typeof trick === 'function')
      throw new TypeError(
        `${name}: expected a trick, got the function ${trick.name}. Call it: ${trick.name}().`,
      )
    assertArgument(isTrick(trick), name, { trick }, 'a trick')
    const { name: own, key } = trick
    const text = key === undefined || (typeof key === 'string' && key !== '')
    assertArgument(text, own, { key }, 'non-empty text')
  }
  const keys = tricks.map(keyOf)
  const twice = keys.find((key, i) => keys.indexOf(key) !== i)
  if (twice !== undefined)
    throw new Error(
      `${name}: two tricks have the key '${twice}'; give one of them another, as in { key: '${twice}-2' }`,
    )
}
