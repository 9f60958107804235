import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from './option.ts'
import type { Random } from './random.ts'
import type { RunStage, Stage } from './stages.ts'
import type { Time } from './time.ts'
import type { Augmentation, Batch, Step, Tensors, Trick } from './trick.ts'

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

/** The hooks that make a batch, its loss and its learning rate, which every training loop calls. */
export type BatchHooks = Required<Pick<Trick<States>, Exclude<Stage, RunStage>>>

/**
 * Combines the tricks' hooks that every training loop calls: those of a batch, its loss and its learning rate. Each
 * trick gets its own random stream, prepared tensors and state under its key. Without tricks every hook is the
 * identity.
 */
export function combineBatch(name: string, tricks: readonly Trick[], acts: IsActive = () => true) {
  checkTricks(name, tricks)
  /** The moment as passed to a trick. */
  const within = <M extends Moment>(moment: M, trick: Trick) => {
    const state = entryOf(trick, moment.state as States | undefined)
    if (trick.start && moment.state && state === undefined)
      throw new Error(`${name}: '${keyOf(trick)}' has state: call pipeline.start(run)`)
    return { ...moment, random: moment.random?.fork(keyOf(trick)), state } as M & Step
  }
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
        // Later tricks draw for the size that they will get.
        Object.assign(shape, trick[hook]!.outputSize?.(params))
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

  const hooks: BatchHooks = {
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
    learningRate: (initial, time, states) =>
      fold('learningRate', { time, state: states }, initial, (rate, trick, { state }) =>
        trick.learningRate!(rate, time, state),
      ),
  }
  return [hooks, fold, within] as const
}

/** A step, or parts of it; without a time it is the whole run, in which every trick is active. */
export type Moment = Partial<Step>

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

/** @throws Error unless `tricks` is a list of tricks with distinct keys */
function checkTricks(name: string, tricks: readonly Trick[]): void {
  assertArgument(Array.isArray(tricks), name, { tricks }, 'a list of tricks')
  const keys = new Set<unknown>()
  for (const trick of tricks) {
    if (typeof trick === 'function')
      throw new TypeError(
        `${name}: expected a trick, got the function ${(trick as Trick).name}: call it`,
      )
    const key: unknown = keyOf(Object(trick) as Trick)
    const isKey = typeof key === 'string' && key !== ''
    if (trick?.name) assertArgument(isKey, trick.name, { key }, 'a nonempty string')
    assertArgument(isKey, name, { trick }, 'a trick')
    if (keys.has(key))
      throw new Error(`${name}: two tricks have the key '${key}': give one { key: '${key}-2' }`)
    keys.add(key)
  }
}
