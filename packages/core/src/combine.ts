import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from './option.ts'
import type { Random } from './random.ts'
import type { Stage } from './stages.ts'
import type { Time } from './time.ts'
import type {
  Augmentation,
  Batch,
  Observer,
  PipelineBatch,
  Step,
  Tensors,
  TrainingStep,
  Trick,
  Variables,
} from './trick.ts'

/**
 * Whether the i-th trick acts in this step. The stream is the combination's own; stages that don't belong to one step
 * have none.
 */
export type IsActive = (i: number, time: Time, random?: Random) => boolean

/** A trick's key among its siblings. */
export const keyOf = (trick: Trick): string => trick.key ?? trick.name

/** What a record holds for a trick, whose key may be that of every object's method. */
export const entryOf = (trick: Trick, record: Readonly<Record<string, unknown>> | undefined) =>
  record && Object.hasOwn(record, keyOf(trick)) ? record[keyOf(trick)] : undefined

/** `tf.tidy` for whatever hooks return: intermediate tensors are disposed even if no trainer tidies up. */
export const tidied = <T>(work: () => T): T => tf.tidy(work as () => tf.TensorContainer) as T

/** What several tricks' states look like together: each under its trick's key. */
export type States = Readonly<Record<string, unknown>>

/** All hooks of a trick. */
export type Hooks = Required<Pick<Trick<States>, Stage>>

/**
 * The hooks of several tricks as those of one, each with its own random stream, prepared tensors and state under its
 * key. Without tricks every hook is the identity. `compose` and every combinator are this plus a rule for who acts.
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
  const acting = (hook: Stage, { time, random }: Moment): readonly Trick[] =>
    tricks.filter((trick, i) => trick[hook] !== undefined && acts(i, time, random))
  const stateOf = (trick: Trick, states: unknown): unknown => {
    const own = entryOf(trick, states as States | undefined)
    if (trick.start && own === undefined)
      throw new Error(
        `${name}: '${keyOf(trick)}' keeps state in the run, which has not started: call pipeline.start(run)`,
      )
    return own
  }
  const within = <S extends Step>(step: S, trick: Trick): S => ({
    ...step,
    random: step.random.fork(keyOf(trick)),
    state: stateOf(trick, step.state),
  })
  /** Each trick that acts in this step changes what the one before it returned. */
  const fold = <T, S extends Step>(
    hook: Stage,
    step: S,
    initial: T,
    change: (value: T, trick: Trick, own: S) => T,
  ): T =>
    tidied(() =>
      acting(hook, step).reduce(
        (value, trick) => change(value, trick, within(step, trick)),
        initial,
      ),
    )
  const augmentation = <T>(hook: 'images' | 'mix'): Augmentation<T, Drawn> => ({
    draw(random, shape, time) {
      const drawn = acting(hook, { time, random }).flatMap((trick) => {
        const params = trick[hook]!.draw(random.fork(keyOf(trick)), shape, time)
        return params === undefined ? [] : [[keyOf(trick), params] as const]
      })
      return drawn.length > 0 ? Object.fromEntries(drawn) : undefined
    },
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
      Object.fromEntries(
        tricks
          .filter((trick) => trick.start)
          .map((trick) => [
            keyOf(trick),
            trick.start!({ ...run, random: run.random.fork(keyOf(trick)) }) ?? null,
          ]),
      ),
    images: augmentation<tf.Tensor4D>('images'),
    mix: augmentation<Batch>('mix'),
    targets: (targets, step) =>
      fold('targets', step, targets, (value, trick, own) => trick.targets!(value, own)),
    prepare: (batch, step) =>
      fold<Tensors, Step>('prepare', step, {}, (made, trick, own) => ({
        ...made,
        ...renamed(trick.prepare!(batch, own), '', `${keyOf(trick)}/`),
      })),
    loss: (loss, pass) =>
      fold('loss', pass, loss, (value, trick, own) =>
        trick.loss!(value, { ...own, prepared: renamed(pass.prepared, `${keyOf(trick)}/`, '') }),
      ),
    penalty: (variables, step) =>
      tidied(() =>
        fold('penalty', step, tf.scalar(0), (sum, trick, own) =>
          tf.add(sum, trick.penalty!(variables, own)),
        ),
      ),
    // The first trick of the list is the outermost: it sees what all the others made of the gradients.
    gradients: (next, step) =>
      acting('gradients', step).reduceRight(
        (inner, trick) => (options) =>
          trick.gradients!(
            (given) => inner({ ...options, ...given }),
            within(options?.batch ? onBatch(step, options.batch) : step, trick),
          ),
        next,
      )(),
    learningRate: (rate, time, states) =>
      acting('learningRate', { time }).reduce(
        (value, trick) => trick.learningRate!(value, time, stateOf(trick, states)),
        rate,
      ),
    multipliers: (path, time, states) =>
      acting('multipliers', { time }).reduce(
        (product, trick) => {
          const { rate = 1, decay = 1 } = trick.multipliers!(path, time, stateOf(trick, states))
          return { rate: product.rate * rate, decay: product.decay * decay }
        },
        { rate: 1, decay: 1 },
      ),
    afterStep(variables, step) {
      for (const trick of acting('afterStep', step))
        trick.afterStep!(variables, within(step, trick))
    },
    observe: tricks.flatMap(
      (trick, i) =>
        trick.observe?.map((observer): Observer => ({
          every: observer.every,
          metrics(metrics, time, states) {
            if (acts(i, time)) observer.metrics(metrics, time, stateOf(trick, states))
          },
        })) ?? [],
    ),
    // Every trick sees the epoch, even after one has asked to stop. An epoch ends in its last step.
    afterEpoch: (epoch, states) =>
      acting('afterEpoch', { time: { ...epoch.time, step: epoch.time.step - 1 } })
        .map((trick) => trick.afterEpoch!(epoch, stateOf(trick, states)))
        .find((verdict) => verdict),
    finish(end, states) {
      for (const trick of tricks) trick.finish?.(end, stateOf(trick, states))
    },
    evaluation: {
      weights: (variables: Variables, states) =>
        Object.assign(
          {},
          ...tricks.map((trick) => trick.evaluation?.weights?.(variables, stateOf(trick, states))),
        ) as Tensors,
      predict: (next, images, states) =>
        tricks.reduceRight(
          (inner, trick) =>
            trick.evaluation?.predict
              ? (given) => trick.evaluation!.predict!(inner, given, stateOf(trick, states))
              : inner,
          next,
        )(images),
    },
  }
}

/** The step on another batch, such as a part of its own, whose images keep their streams. */
const onBatch = <S>(step: TrainingStep<S>, batch: PipelineBatch): TrainingStep<S> => ({
  ...step,
  batch,
  random: step.random.at(batch.time.step, batch.first),
})

/** A step, or its time alone. */
type Moment = Pick<Step, 'time'> & Partial<Pick<Step, 'random'>>

/** What was drawn, by the tricks' keys. */
export type Drawn = Readonly<Record<string, unknown>>

/** The tricks for which something was drawn, each with its own. */
export const drawnFor = (
  hook: 'images' | 'mix',
  tricks: readonly Trick[],
  drawn: Drawn | undefined,
): [Trick, unknown][] =>
  tricks
    .map((trick): [Trick, unknown] => [trick, entryOf(trick, drawn)])
    .filter(([trick, own]) => trick[hook] && own !== undefined)

/** The tensors whose names begin with `from`, beginning with `to` instead. */
const renamed = (tensors: Tensors, from: string, to: string): Tensors =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([path]) => path.startsWith(from))
      .map(([path, tensor]) => [to + path.slice(from.length), tensor]),
  )

export const isTrick = (value: unknown): value is Trick =>
  typeof (value as Partial<Trick> | null | undefined)?.name === 'string'

/** @throws Error for what is not a list of tricks, each with a key of its own */
export function checkTricks(name: string, tricks: readonly Trick[]): void {
  assertArgument(Array.isArray(tricks), name, { tricks }, 'a list of tricks')
  for (const trick of tricks as readonly unknown[]) {
    if (typeof trick === 'function')
      throw new TypeError(
        `${name}: expected a trick, got the function ${trick.name}. Call it: ${trick.name}().`,
      )
    assertArgument(isTrick(trick), name, { trick }, 'a trick')
    const { name: own, key } = trick
    const text = key === undefined || (typeof key === 'string' && key !== '')
    assertArgument(text, own, { key }, 'text that is not empty')
  }
  const keys = tricks.map(keyOf)
  const twice = keys.find((key, i) => keys.indexOf(key) !== i)
  if (twice !== undefined)
    throw new Error(
      `${name}: two tricks have the key '${twice}'; tell them apart, as in { key: '${twice}-2' }`,
    )
}
