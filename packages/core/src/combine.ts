import * as tf from '@tensorflow/tfjs-core'
import { assertOption } from './option.ts'
import type { Random } from './random.ts'
import type { Time } from './time.ts'
import type {
  Augmentation,
  Batch,
  Observer,
  PipelineBatch,
  State,
  Step,
  Tensors,
  TrainingStep,
  Trick,
} from './trick.ts'

/**
 * Whether the i-th trick acts in this step. The stream is the combination's own; a rate gets none, nor do
 * metrics and the end of an epoch.
 */
export type Acts = (i: number, time: Time, random?: Random) => boolean

/** A trick's key among its siblings. */
export const keyOf = (trick: Trick): string => trick.key ?? trick.name

/** `tf.tidy` for whatever hooks give: what was made on the way goes, also where no trainer tidies up. */
export const tidied = <T>(work: () => T): T => tf.tidy(work as () => tf.TensorContainer) as T

/**
 * The hooks of several tricks as those of one, each with its own random stream, prepared tensors and
 * state under its key. `compose` and every combinator are this plus a rule for who acts.
 *
 * @example
 * const { images } = combine('both', [randomFlip(), cutout()])
 */
export function combine(
  name: string,
  tricks: readonly Trick[],
  acts: Acts = () => true,
): CombinedHooks {
  checkSiblings(name, tricks)
  const acting = (hook: keyof Trick, { time, random }: Moment): readonly Trick[] =>
    tricks.filter((trick, i) => trick[hook] !== undefined && acts(i, time, random))
  const within = <S extends Step>(step: S, trick: Trick): S => ({
    ...step,
    random: step.random.fork(keyOf(trick)),
  })
  /** Each trick that acts in this step changes what the one before it gave. */
  const fold = <T, S extends Step>(
    hook: keyof Trick,
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
  const augmentation = <T>(hook: 'images' | 'mix'): Augmentation<T, Drawn | undefined> => ({
    draw(random, shape, time) {
      const drawn = acting(hook, { time, random }).flatMap((trick) => {
        const params = trick[hook]!.draw(random.fork(keyOf(trick)), shape, time)
        return params === undefined ? [] : [[keyOf(trick), params] as const]
      })
      return drawn.length > 0 ? Object.fromEntries(drawn) : undefined
    },
    apply: (input, params = {}) =>
      tidied(() =>
        tricks.reduce((value, trick) => {
          const own = params[keyOf(trick)]
          return own === undefined ? value : (trick[hook] as Augmentation<T>).apply(value, own)
        }, input),
      ),
  })

  const hooks: Required<CombinedHooks> = {
    setup(run) {
      for (const trick of tricks) trick.setup?.(within(run, trick))
    },
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
    // The first of the list is the outermost: it sees what all the others made of the gradients.
    gradients: (next, step) =>
      acting('gradients', step).reduceRight(
        (inner, trick) => (options) =>
          trick.gradients!(
            (given) => inner({ ...options, ...given }),
            within(options?.batch ? onBatch(step, options.batch) : step, trick),
          ),
        next,
      )(),
    learningRate: (rate, time) =>
      acting('learningRate', { time }).reduce(
        (value, trick) => trick.learningRate!(value, time),
        rate,
      ),
    setsRate: tricks.some((trick) => trick.setsRate),
    afterStep(variables, step) {
      for (const trick of acting('afterStep', step))
        trick.afterStep!(variables, within(step, trick))
    },
    observe: tricks.flatMap(
      (trick, i) =>
        trick.observe?.map((observer): Observer => ({
          every: observer.every,
          metrics(metrics, time) {
            if (acts(i, time)) observer.metrics(metrics, time)
          },
        })) ?? [],
    ),
    // Every trick hears of the epoch, even after one has asked to stop. An epoch ends in its last step.
    afterEpoch: (epoch) =>
      acting('afterEpoch', { time: { ...epoch.time, step: epoch.time.step - 1 } })
        .map((trick) => trick.afterEpoch!(epoch))
        .find((verdict) => verdict),
    evaluation: {
      weights: (variables) =>
        Object.assign(
          {},
          ...tricks.map((trick) => trick.evaluation?.weights?.(variables)),
        ) as Tensors,
      predict: (next, images) =>
        tricks.reduceRight(
          (inner, { evaluation }) =>
            evaluation?.predict ? (given) => evaluation.predict!(inner, given) : inner,
          next,
        )(images),
    },
    state: {
      save: () =>
        Object.fromEntries(
          tricks.flatMap((trick) => (trick.state ? [[keyOf(trick), trick.state.save()]] : [])),
        ),
      restore(saved) {
        for (const trick of tricks) {
          const own = saved[keyOf(trick)]
          if (trick.state && !own)
            throw new Error(`${name}: the saved state has none for '${keyOf(trick)}'`)
          trick.state?.restore(own as State)
        }
      },
    },
  }
  return Object.fromEntries(
    Object.entries(hooks).filter(([hook]) =>
      tricks.some((trick) => trick[hook as keyof Trick] !== undefined),
    ),
  )
}

/** The step on another batch, such as a part of its own, whose images keep their streams. */
const onBatch = (step: TrainingStep, batch: PipelineBatch): TrainingStep => ({
  ...step,
  batch,
  random: step.random.at(batch.time.step, batch.first),
})

/** A step, or its time alone. */
type Moment = Pick<Step, 'time'> & Partial<Step>

type Drawn = Readonly<Record<string, unknown>>

export type CombinedHooks = Omit<Trick, 'name' | 'key' | 'options' | 'tricks'>

/** The tensors whose names begin with `from`, beginning with `to` instead. */
function renamed(tensors: Tensors, from: string, to: string): Tensors {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([path]) => path.startsWith(from))
      .map(([path, tensor]) => [to + path.slice(from.length), tensor]),
  )
}

function checkSiblings(name: string, tricks: readonly Trick[]): void {
  for (const { name: trick, key } of tricks)
    assertOption(
      key === undefined || (typeof key === 'string' && key !== ''),
      trick,
      { key },
      'text that is not empty',
    )
  const keys = tricks.map(keyOf)
  const twice = keys.find((key, i) => keys.indexOf(key) !== i)
  if (twice !== undefined)
    throw new Error(
      `${name}: two tricks have the key '${twice}'; tell them apart, as in { key: '${twice}-2' }`,
    )
}
