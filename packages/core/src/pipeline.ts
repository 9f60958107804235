import * as tf from '@tensorflow/tfjs-core'
import { type BatchHooks, drawnFor, keyOf, type States, tidied } from './combine-batch.ts'
import { softmaxCrossEntropy } from './loss.ts'
import { assertNormalization } from './normalization.ts'
import { assertArgument } from './option.ts'
import { type PlanStage, planOf } from './plan.ts'
import { createRandom } from './random.ts'
import type { Stage } from './stages.ts'
import type { Time } from './time.ts'
import type { Batch, BatchShape, PipelineBatch, Run, Step, Trick, Variables } from './trick.ts'

export interface PipelineOptions {
  /** Whole number in [0, 2^32); default 0. */
  readonly seed?: number
  /**
   * The data's mean per channel, in [0, 1], or one for all channels. With 0 (the default) and deviation 1 images are
   * unchanged.
   */
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

/** Composed tricks, with their stages in order, for your own loop. The tricks hold no state of the run. */
export interface Pipeline {
  readonly tricks: readonly Trick[]
  /** Starts a run: the tricks check the data, and get fresh state. Required if one of the tricks has state. */
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
  /** Cross-entropy, then the tricks' losses, then their penalties on `variables`. */
  loss(batch: PipelineBatch, logits: tf.Tensor2D, variables?: Variables): tf.Scalar
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

/** The parts of a pipeline, which that of a whole run shares. */
export function pipelineOf(tricks: readonly Trick[], hooks: BatchHooks, options: PipelineOptions) {
  const {
    seed = 0,
    mean = [0],
    deviation = [1],
    stepsPerEpoch = Infinity,
    steps = Infinity,
  } = options
  assertNormalization('compose', { mean, deviation })
  oneAtMost(
    tricks.filter((trick) => trick.setsRate).map(keyOf),
    'set the learning rate: hand over, as in warmup({ after: cosineDecay() })',
  )
  // Combinators may alternate between mixing tricks; whether they clash is checked at each step.
  oneMixes(tricks.filter((trick) => trick.mix && !trick.tricks).map(keyOf))
  const root = createRandom(seed, 'compose')
  const held: { state: States } = { state: {} }

  const stepOf = (when: When, first = 0): Step<States> => {
    const time = typeof when === 'number' ? { step: when, stepsPerEpoch, steps } : when
    return { time, random: root.at(time.step, first), state: held.state }
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

  const pipeline: Pipeline = {
    tricks,
    start(run) {
      held.state = hooks.start({ ...run, random: root })
    },
    draw,
    batch: (...given) =>
      tidied(() => {
        const { stage: _, ...batch } = trace(...given).at(-1) as Traced & PipelineBatch
        return batch
      }),
    trace,
    normalize,
    learningRate: (rate, when) => hooks.learningRate(rate, stepOf(when).time, held.state),
    loss: (batch, logits, variables = {}) =>
      tf.tidy(() => {
        const step = stepOf(batch.time, batch.first)
        const entropy = softmaxCrossEntropy(batch.targets, logits)
        const loss = hooks.loss(entropy, { ...batch, ...step, logits })
        return tf.add(loss, hooks.penalty(variables, step))
      }),
    plan: () => planOf(tricks, Object.keys(hooks) as Stage[]),
  }
  return [pipeline, stepOf, held] as const
}

function oneAtMost(keys: readonly string[], remedy: string): void {
  if (keys.length > 1) throw new Error(`compose: ${keys.join(' and ')} both ${remedy}`)
}

const oneMixes = (keys: readonly string[]): void =>
  oneAtMost(keys, `mix: use oneOf([[${keys.join(', 1], [')}, 1]])`)
