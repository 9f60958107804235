import * as tf from '@tensorflow/tfjs-core'
import { assertOption } from './option.ts'
import type { Random } from './random.ts'
import type { Time } from './time.ts'
import type {
  Augmentation,
  Batch,
  Observer,
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
  const children = tricks.map((trick, i) => ({ trick, key: keyOf(trick), i }))
  type Child = (typeof children)[number]
  const having = (hook: keyof Trick): readonly Child[] =>
    children.filter(({ trick }) => trick[hook] !== undefined)
  const acting = (hook: keyof Trick, { random, time }: Step): readonly Child[] =>
    having(hook).filter(({ i }) => acts(i, time, random))
  const within = <S extends Step>(step: S, { key }: Child): S => ({
    ...step,
    random: step.random.fork(key),
  })

  const hooks: { -readonly [H in keyof CombinedHooks]: CombinedHooks[H] } = {}

  const augmentation = <T>(
    hook: 'images' | 'mix',
  ): Augmentation<T, Readonly<Record<string, unknown>> | undefined> => ({
    draw(random, shape, time) {
      const drawn = acting(hook, { random, time })
        .map(({ trick, key }) => [key, trick[hook]!.draw(random.fork(key), shape, time)] as const)
        .filter(([, params]) => params !== undefined)
      return drawn.length > 0 ? Object.fromEntries(drawn) : undefined
    },
    apply: (input, params) =>
      tidied(() =>
        having(hook)
          .filter(({ key }) => params !== undefined && key in params)
          .reduce(
            (value, { trick, key }) => (trick[hook] as Augmentation<T>).apply(value, params![key]),
            input,
          ),
      ),
  })
  if (having('images').length > 0) hooks.images = augmentation<tf.Tensor4D>('images')
  if (having('mix').length > 0) hooks.mix = augmentation<Batch>('mix')

  if (having('setup').length > 0)
    hooks.setup = (run) => {
      for (const { trick, key } of children) trick.setup?.({ ...run, random: run.random.fork(key) })
    }
  if (having('targets').length > 0)
    hooks.targets = (targets, step) =>
      tidied(() =>
        acting('targets', step).reduce(
          (value, child) => child.trick.targets!(value, within(step, child)),
          targets,
        ),
      )
  if (having('prepare').length > 0)
    hooks.prepare = (batch, step) =>
      Object.fromEntries(
        acting('prepare', step).flatMap((child) =>
          Object.entries(child.trick.prepare!(batch, within(step, child))).map(([path, tensor]) => [
            `${child.key}/${path}`,
            tensor,
          ]),
        ),
      )
  if (having('loss').length > 0)
    hooks.loss = (loss, pass) =>
      tidied(() =>
        acting('loss', pass).reduce(
          (value, child) =>
            child.trick.loss!(value, {
              ...within(pass, child),
              prepared: under(child.key, pass.prepared),
            }),
          loss,
        ),
      )
  if (having('penalty').length > 0)
    hooks.penalty = (variables, step) =>
      tidied(() =>
        acting('penalty', step).reduce<tf.Scalar>(
          (sum, child) => tf.add(sum, child.trick.penalty!(variables, within(step, child))),
          tf.scalar(0),
        ),
      )
  if (having('gradients').length > 0)
    // The first of the list is the outermost: it sees what all the others made of the gradients.
    hooks.gradients = (next, step) =>
      acting('gradients', step).reduceRight(
        (inner, child) => (options) => {
          const own: TrainingStep = within(step, child)
          return child.trick.gradients!((given) => inner({ ...options, ...given }), {
            ...own,
            batch: options?.batch ?? step.batch,
          })
        },
        next,
      )()
  if (having('learningRate').length > 0) {
    hooks.learningRate = (rate, time) =>
      having('learningRate')
        .filter(({ i }) => acts(i, time))
        .reduce((value, { trick }) => trick.learningRate!(value, time), rate)
    hooks.setsRate = tricks.some((trick) => trick.setsRate)
  }
  if (having('afterStep').length > 0)
    hooks.afterStep = (variables, step) => {
      for (const child of acting('afterStep', step))
        child.trick.afterStep!(variables, within(step, child))
    }
  const observers = having('observe').flatMap(({ trick, i }) =>
    trick.observe!.map((observer): Observer => ({
      every: observer.every,
      metrics(metrics, time) {
        if (acts(i, time)) observer.metrics(metrics, time)
      },
    })),
  )
  if (observers.length > 0) hooks.observe = observers
  if (having('afterEpoch').length > 0)
    // Every trick hears of the epoch, even after one has asked to stop. An epoch ends in its last step.
    hooks.afterEpoch = (epoch) =>
      having('afterEpoch')
        .filter(({ i }) => acts(i, { ...epoch.time, step: epoch.time.step - 1 }))
        .map(({ trick }) => trick.afterEpoch!(epoch))
        .find((verdict) => verdict !== undefined)

  const evaluations = tricks.flatMap(({ evaluation }) => evaluation ?? [])
  if (evaluations.length > 0)
    hooks.evaluation = {
      weights: (variables) =>
        Object.assign(
          {},
          ...evaluations.map((evaluation) => evaluation.weights?.(variables)),
        ) as Tensors,
      predict: (next, images) =>
        evaluations.reduceRight(
          (inner, { predict }) => (predict ? (given) => predict(inner, given) : inner),
          next,
        )(images),
    }
  if (having('state').length > 0)
    hooks.state = {
      save: () =>
        Object.fromEntries(having('state').map(({ trick, key }) => [key, trick.state!.save()])),
      restore(state) {
        for (const { trick, key } of having('state')) {
          const own = state[key]
          if (typeof own !== 'object' || own === null)
            throw new Error(`${name}: the saved state has none for '${key}'`)
          trick.state!.restore(own as State)
        }
      },
    }
  return hooks
}

export type CombinedHooks = Omit<Trick, 'name' | 'key' | 'options' | 'tricks'>

function under(key: string, tensors: Tensors): Tensors {
  const prefix = `${key}/`
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, tensor]) => [path.slice(prefix.length), tensor]),
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
