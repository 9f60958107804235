import * as tf from '@tensorflow/tfjs-core'
import { combine, drawnFor, keyOf, type States, tidied } from './combine.ts'
import { softmaxCrossEntropy } from './loss.ts'
import { assertNormalization } from './normalization.ts'
import { assertArgument } from './option.ts'
import { type PlanStage, planOf } from './plan.ts'
import { createRandom } from './random.ts'
import type { Stage } from './stages.ts'
import { copied, mapState, own, type Owned } from './state.ts'
import type { Time } from './time.ts'
import type {
  Batch,
  BatchShape,
  End,
  Epoch,
  Metrics,
  Multipliers,
  NextGradients,
  Observer,
  PipelineBatch,
  Predict,
  Run,
  State,
  Step,
  Tensors,
  Trick,
  Variables,
} from './trick.ts'

export interface PipelineOptions {
  /** Whole number in [0, 2^32); default 0. */
  readonly seed?: number
  /** The data's mean per channel, in [0, 1], or one for all channels. With 0 (the default) and deviation 1 images are unchanged. */
  readonly mean?: readonly number[]
  /** The data's standard deviation per channel, in (0, 1], or one for all channels; default 1. */
  readonly deviation?: readonly number[]
  /** Required for durations in epochs. */
  readonly stepsPerEpoch?: number
  /** Steps of the whole run; required for durations in fractions. */
  readonly steps?: number
}

/** The draws of one step, by trick: JSON and typed arrays. */
export interface Draws {
  readonly images: Readonly<Record<string, unknown>>
  readonly mix: Readonly<Record<string, unknown>>
}

/** A point in a run: a step number, or a full `Time`. */
export type When = number | Time

/** A batch after one trick, or after one of the pipeline's own stages. */
export interface Traced extends Batch {
  /** 'input' is the original batch; 'batch' is what the model sees, with everything that `batch` returns. */
  readonly stage: 'input' | 'images' | 'normalize' | 'mix' | 'targets' | 'batch'
  /** The trick and its draws; absent for the pipeline's own stages. */
  readonly trick?: Trick
  readonly params?: unknown
}

/**
 * Composed tricks, with their stages in order. Use it in your own loop, or pass the list to `train`. A pipeline holds
 * the state of one run; the tricks hold none.
 */
export interface Pipeline {
  readonly tricks: readonly Trick[]
  /** Starts a run with fresh state for every trick. Required if one of the tricks has state. */
  start(run: Omit<Run, 'random'>): void
  /** The tricks' draws for a step; `first` is the index of a shard's first image in the global batch. */
  draw(shape: Omit<BatchShape, 'mean'>, when: When, first?: number): Draws
  /**
   * Turns images in [0, 1] and targets into the model's input: augmented, normalised, mixed and smoothed. Leaves its
   * inputs unchanged; the caller disposes the result. Makes the draws unless `draws` is given; `first` is the index of
   * a shard's first image in the global batch, default 0.
   */
  batch(
    images: tf.Tensor4D,
    targets: tf.Tensor2D,
    when: When,
    draws?: Draws,
    first?: number,
  ): PipelineBatch
  /** The batch after each trick in turn; the last item equals `batch`. The caller disposes all of them. */
  trace(
    images: tf.Tensor4D,
    targets: tf.Tensor2D,
    when: When,
    draws?: Draws,
    first?: number,
  ): readonly [...Traced[], Traced & PipelineBatch]
  /** Normalises by the data's mean and deviation, which is all that evaluation does. */
  normalize(images: tf.Tensor4D): tf.Tensor4D
  learningRate(rate: number, when: When): number
  /** Factors for the learning rate and weight decay of the variable at `path`. */
  multipliers(path: string, when: When): Required<Multipliers>
  /** Cross-entropy, then the tricks' losses, then their penalties on `variables`. */
  loss(batch: PipelineBatch, logits: tf.Tensor2D, variables?: Variables): tf.Scalar
  gradients(next: NextGradients, batch: PipelineBatch, variables: Variables): Tensors
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
  /** The stages in execution order, with their tricks and options, as data. */
  plan(): readonly PlanStage[]
}

/** One number per channel; a single number applies to all. */
function perChannel(
  option: Readonly<Record<string, readonly number[]>>,
  channels: number,
): readonly number[] {
  const values = Object.values(option)[0]!
  const each = values.length === 1 ? Array<number>(channels).fill(values[0]!) : values
  assertArgument(each.length === channels, 'compose', option, `a list of ${channels} numbers`)
  return each
}

/**
 * Composes tricks into a pipeline. Stages run in a fixed order, whatever the order of the list: images, normalisation,
 * mixing, targets. Tricks of one stage run in list order.
 *
 * @throws Error if two tricks have the same key, if two mix, or if two set the learning rate; RangeError if the mean or
 *   deviation is not that of images in [0, 1]
 * @example
 * const pipeline = compose([randomFlip(), cutout({ length: 16 }), labelSmoothing()], { seed: 1 })
 * const batch = pipeline.batch(images, oneHot(labels, 10), step)
 */
export function compose(tricks: readonly Trick[], options: PipelineOptions = {}): Pipeline {
  const {
    seed = 0,
    mean = [0],
    deviation = [1],
    stepsPerEpoch = Infinity,
    steps = Infinity,
  } = options
  const hooks = combine('compose', tricks)
  assertNormalization('compose', { mean, deviation })
  oneAtMost(
    tricks.filter((trick) => trick.setsRate).map(keyOf),
    'set the learning rate; hand over, as in warmup({ over: { epochs: 5 }, after: cosineDecay() })',
  )
  // Combinators may alternate between mixing tricks; whether they clash is checked at each step.
  oneMixes(tricks.filter((trick) => trick.mix && !trick.tricks).map(keyOf))
  const root = createRandom(seed, 'compose')

  let { state, tensors }: Owned<States> = { state: {}, tensors: new Set() }
  /** Runs a function that may change the state, whose tensors outlive it. */
  const changing = <T>(work: () => T): T =>
    tidied(() => {
      try {
        return work()
      } finally {
        ;({ state, tensors } = own(state, tensors))
      }
    })

  // Copied, as `start` may return the same object to every run, and a saved state belongs to the caller.
  const setState = (make: () => States): void =>
    changing(() => void (state = mapState(make(), copied)))

  const stepOf = (when: When, first = 0): Step<States> => {
    const time = typeof when === 'number' ? { step: when, stepsPerEpoch, steps } : when
    return { time, random: root.at(time.step, first), state }
  }
  const normalize = (images: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => {
      const [batch, height, width, channels] = images.shape
      // Row by row: backends are slow at broadcasting over channels.
      const row = (values: readonly number[]): tf.Tensor =>
        tf.tile(tf.tensor1d([...values]), [width])
      const rows = tf.sub(
        tf.reshape(images, [batch * height, width * channels]),
        row(perChannel({ mean }, channels)),
      )
      return tf.reshape(tf.div(rows, row(perChannel({ deviation }, channels))), images.shape)
    })

  const draw: Pipeline['draw'] = (shape, when, first) => {
    const { time, random } = stepOf(when, first)
    const full = { ...shape, mean: perChannel({ mean }, shape.channels) }
    const drawn = {
      images: hooks.images.draw(random, full, time) ?? {},
      mix: hooks.mix.draw(random, full, time) ?? {},
    } as Draws
    oneMixes(Object.keys(drawn.mix))
    return drawn
  }

  const trace: Pipeline['trace'] = (images, targets, when, draws, first) =>
    tidied(() => {
      const step = stepOf(when, first)
      const { time } = step
      const [batch, height, width, channels] = images.shape
      const shape = { batch, height, width, channels, classes: targets.shape[1] }
      const drawn = draws ?? draw(shape, time, first)
      let now: Batch = { images: tf.clone(images), targets: tf.clone(targets) }
      const made: Traced[] = [{ stage: 'input', ...now }]
      const add = (stage: Traced['stage'], change: Partial<Batch>, by?: Partial<Traced>): void => {
        now = { ...now, ...change }
        made.push({ stage, ...by, ...now })
      }
      for (const [trick, params] of drawnFor('images', tricks, drawn.images))
        add('images', { images: trick.images!.apply(now.images, params) }, { trick, params })
      add('normalize', { images: normalize(now.images) })
      for (const [trick, params] of drawnFor('mix', tricks, drawn.mix))
        add('mix', trick.mix!.apply(now, params), { trick, params })
      const mixedTargets = now.targets
      add('targets', { targets: tf.clone(hooks.targets(mixedTargets, step)) })
      const prepared = hooks.prepare(now, step)
      return [
        ...made,
        { stage: 'batch', ...now, mixedTargets, prepared, time, ...(first && { first }) },
      ]
    })

  return {
    tricks,
    start: (run) => setState(() => hooks.start({ ...run, random: root })),
    draw,
    batch: (...given) =>
      tidied(() => {
        const { stage: _, ...batch } = trace(...given).at(-1) as Traced & PipelineBatch
        return batch
      }),
    trace,
    normalize,
    learningRate: (rate, when) => hooks.learningRate(rate, stepOf(when).time, state),
    multipliers: (path, when) =>
      hooks.multipliers(path, stepOf(when).time, state) as Required<Multipliers>,
    loss: (batch, logits, variables = {}) =>
      tf.tidy(() => {
        const step = stepOf(batch.time, batch.first)
        const entropy = softmaxCrossEntropy(batch.targets, logits)
        const loss = hooks.loss(entropy, { ...batch, ...step, logits })
        return tf.add(loss, hooks.penalty(variables, step))
      }),
    gradients: (next, batch, variables) =>
      changing(() =>
        hooks.gradients(next, { ...stepOf(batch.time, batch.first), batch, variables }),
      ),
    step: stepOf,
    afterStep: (variables, when) => changing(() => hooks.afterStep(variables, stepOf(when))),
    observe: hooks.observe.map(({ every, metrics }) => ({
      every,
      metrics: (values, time) => changing(() => metrics(values, time, state)),
    })),
    afterEpoch: (epoch) => changing(() => hooks.afterEpoch(epoch, state)),
    finish: (end) => changing(() => hooks.finish(end, state)),
    evaluation: {
      weights: (variables) => hooks.evaluation.weights!(variables, state),
      predict: (next, images) => hooks.evaluation.predict!(next, images, state),
    },
    save: () => mapState(state, copied) as State,
    restore(saved) {
      for (const key of Object.keys(state))
        if (saved[key] === undefined)
          throw new Error(`compose: the saved state has none for '${key}'`)
      setState(() => saved)
    },
    dispose: () => setState(() => ({})),
    plan: () => planOf(tricks, Object.keys(hooks) as Stage[]),
  }
}

function oneAtMost(keys: readonly string[], message: string): void {
  if (keys.length > 1) throw new Error(`compose: ${keys.join(' and ')} both ${message}`)
}

function oneMixes(keys: readonly string[]): void {
  oneAtMost(
    keys,
    'mix images; at most one per step may. ' +
      `Choose one per step: oneOf([[${keys.join(', 1], [')}, 1]])`,
  )
}
