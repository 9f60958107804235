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
  /** Of the data, per channel, in [0, 1], or one for all channels; default 0, which with `deviation` 1 leaves images as they are. */
  readonly mean?: readonly number[]
  /** Of the data, per channel, in (0, 1], or one for all channels; default 1. */
  readonly deviation?: readonly number[]
  /** Needed for durations in epochs. */
  readonly stepsPerEpoch?: number
  /** Steps of the whole run; needed for durations in fractions. */
  readonly steps?: number
}

/** What was drawn for one step, by trick: JSON and typed arrays. */
export interface Draws {
  readonly images: Readonly<Record<string, unknown>>
  readonly mix: Readonly<Record<string, unknown>>
}

/** A moment in a run: a step's number, or a full `Time`. */
export type When = number | Time

/** What one trick, or the pipeline itself, made of a batch. */
export interface Traced extends Batch {
  /** 'input' is what came in; 'batch' is what the model sees, with all that `batch` returns. */
  readonly stage: 'input' | 'images' | 'normalize' | 'mix' | 'targets' | 'batch'
  /** The trick, and what it drew; absent at the pipeline's own stages. */
  readonly trick?: Trick
  readonly params?: unknown
}

/**
 * Tricks composed, their stages in order. Use it in your own loop, or give the list to `train`. A pipeline holds the
 * state of one run; the tricks hold none.
 */
export interface Pipeline {
  readonly tricks: readonly Trick[]
  /** Starts a run: every trick's state is new. Needed if one of the tricks has state. */
  start(run: Omit<Run, 'random'>): void
  /** What the tricks draw for a step; `first` is the index of a shard's first image in the batch. */
  draw(shape: Omit<BatchShape, 'mean'>, when: When, first?: number): Draws
  /**
   * Images in [0, 1] and targets → what the model is to see: augmented, normalised, mixed, smoothed.
   * Leaves its inputs unchanged; the caller disposes what it returns. `draws` are made unless given; `first` is the
   * index of a shard's first image in the global batch, by default 0.
   */
  batch(
    images: tf.Tensor4D,
    targets: tf.Tensor2D,
    when: When,
    draws?: Draws,
    first?: number,
  ): PipelineBatch
  /** What each trick made of a batch, one after the other; the last item is `batch`. The caller disposes all. */
  trace(
    images: tf.Tensor4D,
    targets: tf.Tensor2D,
    when: When,
    draws?: Draws,
    first?: number,
  ): readonly [...Traced[], Traced & PipelineBatch]
  /** Normalises by the data's mean and deviation: all that evaluation does. */
  normalize(images: tf.Tensor4D): tf.Tensor4D
  learningRate(rate: number, when: When): number
  /** Factors of the learning rate and the weight decay of a variable, by its path. */
  multipliers(path: string, when: When): Required<Multipliers>
  /** Cross-entropy, then the tricks' losses, then their penalties on `variables`. */
  loss(batch: PipelineBatch, logits: tf.Tensor2D, variables?: Variables): tf.Scalar
  gradients(next: NextGradients, batch: PipelineBatch, variables: Variables): Tensors
  /** The step as a hook sees it, for a loop that calls hooks itself; `first` as for `draw`. */
  step(when: When, first?: number): Step
  afterStep(variables: Variables, when: When): void
  /** Whom to give training metrics, and how often. */
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
  /** The stages with their tricks and options, in the order in which they run, as data. */
  plan(): readonly PlanStage[]
}

/** One number per channel; a single one counts for all. */
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
 * Composes tricks into a pipeline. Stages run in their own order whatever the list's: images, then
 * normalising, then mixing, then targets; tricks of one stage in list order.
 *
 * @throws Error if two tricks have the same key, if two mix, or if two set the learning rate; RangeError for a mean or a
 * deviation that is not that of images in [0, 1]
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
  // Combinators may take turns; whether they do shows at each step.
  oneMixes(tricks.filter((trick) => trick.mix && !trick.tricks).map(keyOf))
  const root = createRandom(seed, 'compose')

  let { state, tensors }: Owned<States> = { state: {}, tensors: new Set() }
  /** Runs what may change the state, whose tensors outlive it. */
  const changing = <T>(work: () => T): T =>
    tidied(() => {
      try {
        return work()
      } finally {
        ;({ state, tensors } = own(state, tensors))
      }
    })

  // A copy, as `start` may return the same object to every run, and a saved state is the caller's.
  const setState = (make: () => States): void =>
    changing(() => void (state = mapState(make(), copied)))

  const stepOf = (when: When, first = 0): Step<States> => {
    const time = typeof when === 'number' ? { step: when, stepsPerEpoch, steps } : when
    return { time, random: root.at(time.step, first), state }
  }
  const normalize = (images: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => {
      const [batch, height, width, channels] = images.shape
      // By rows: backends are slow to repeat a pixel's channels.
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
    'mix images; at most one a step may. ' +
      `Choose one each step: oneOf([[${keys.join(', 1], [')}, 1]])`,
  )
}
