import * as tf from '@tensorflow/tfjs-core'
import { combine, type CombinedHooks, keyOf } from './combine.ts'
import { explain } from './explain.ts'
import { softmaxCrossEntropy } from './loss.ts'
import { assertOption } from './option.ts'
import { createRandom } from './random.ts'
import type { Time } from './time.ts'
import type {
  Batch,
  BatchShape,
  NextGradients,
  PipelineBatch,
  Run,
  Step,
  Tensors,
  Trick,
  Variables,
} from './trick.ts'

export interface PipelineOptions {
  /** Whole number in [0, 2^32); default 0. */
  readonly seed?: number
  /** Of the data, per channel, in [0, 1]; default 0 and 1, which leaves images as they are. */
  readonly mean?: readonly number[]
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

/** A moment in a run: a step's number, or a `Time` where one knows more. */
export type When = number | Time

/** Tricks composed, their stages in order. Use it in a loop of your own, or give the list to `train`. */
export interface Pipeline extends Pick<
  CombinedHooks,
  'afterStep' | 'observe' | 'afterEpoch' | 'evaluation' | 'state'
> {
  readonly tricks: readonly Trick[]
  /** Starts a run: the tricks' state starts afresh. */
  setup(run: Omit<Run, 'random'>): void
  /** What the tricks draw for a step; `first` is the place of a shard's first image in the batch. */
  draw(shape: Omit<BatchShape, 'mean'>, when: When, first?: number): Draws
  /**
   * Images in [0, 1] and targets → what the model is to see: augmented, normalised, mixed, smoothed.
   * Leaves its inputs alone; the caller disposes what it gets. `draws` are made unless given; `first` is the index of
   * a shard's first image in the global batch, by default 0.
   */
  batch(
    images: tf.Tensor4D,
    targets: tf.Tensor2D,
    when: When,
    draws?: Draws,
    first?: number,
  ): PipelineBatch
  /** Normalises by the data's mean and deviation: what evaluation does, and nothing else. */
  normalize(images: tf.Tensor4D): tf.Tensor4D
  learningRate(rate: number, when: When): number
  /** Cross-entropy, then the tricks' losses, then their penalties on `variables`. */
  loss(batch: PipelineBatch, logits: tf.Tensor2D, variables?: Variables): tf.Scalar
  gradients(next: NextGradients, batch: PipelineBatch, variables: Variables): Tensors
  /** The step as the hooks see it; `first` as for `draw`. */
  step(when: When, first?: number): Step
  explain(): string
}

/** A number for each channel: the only one for all. */
function eachChannel(
  option: Readonly<Record<string, readonly number[]>>,
  channels: number,
): readonly number[] {
  const values = Object.values(option)[0]!
  const each = values.length === 1 ? Array<number>(channels).fill(values[0]!) : values
  assertOption(each.length === channels, 'compose', option, `a list of ${channels} numbers`)
  return each
}

/**
 * Composes tricks into a pipeline. Stages run in their own order whatever the list's: images, then
 * normalising, then mixing, then targets; tricks of one stage in list order.
 *
 * @throws Error where two tricks have one key, where two mix, where two set the learning rate
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
  oneAtMost(
    tricks.filter((trick) => trick.setsRate).map(keyOf),
    'set the learning rate; hand over from one to the next, ' +
      'as in warmup({ over: { epochs: 5 }, after: cosineDecay() })',
  )
  // Combinators may take turns; whether they do shows at each step.
  oneMixes(tricks.filter((trick) => trick.mix && !trick.tricks).map(keyOf))
  const root = createRandom(seed)
  const hooks = combine('compose', tricks)

  const stepOf = (when: When, first = 0): Step => {
    const time = typeof when === 'number' ? { step: when, stepsPerEpoch, steps } : when
    return { time, random: root.at(time.step, first) }
  }
  const normalize = (images: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => {
      const [batch, height, width, channels] = images.shape
      // By rows: backends are slow to repeat a pixel's channels.
      const row = (values: readonly number[]): tf.Tensor =>
        tf.tile(tf.tensor1d([...values]), [width])
      const rows = tf.sub(
        tf.reshape(images, [batch * height, width * channels]),
        row(eachChannel({ mean }, channels)),
      )
      return tf.reshape(tf.div(rows, row(eachChannel({ deviation }, channels))), images.shape)
    })

  const draw: Pipeline['draw'] = (shape, when, first) => {
    const { time, random } = stepOf(when, first)
    const full = { ...shape, mean: eachChannel({ mean }, shape.channels) }
    const drawn = {
      images: hooks.images?.draw(random, full, time) ?? {},
      mix: hooks.mix?.draw(random, full, time) ?? {},
    } as Draws
    oneMixes(Object.keys(drawn.mix))
    return drawn
  }

  return {
    ...hooks,
    tricks,
    setup(run) {
      hooks.setup?.({ ...run, random: root })
    },
    draw,
    batch(images, targets, when, draws, first) {
      const step = stepOf(when, first)
      const [batch, height, width, channels] = images.shape
      const drawn =
        draws ??
        draw({ batch, height, width, channels, classes: targets.shape[1] }, step.time, first)
      const made = tf.tidy(() => {
        const augmented = hooks.images?.apply(images, drawn.images) ?? images
        const normal: Batch = { images: normalize(augmented), targets: tf.clone(targets) }
        const mixed = hooks.mix?.apply(normal, drawn.mix) ?? normal
        const smoothed = hooks.targets?.(mixed.targets, step) ?? tf.clone(mixed.targets)
        const ready: Batch = { images: mixed.images, targets: smoothed }
        const prepared = { ...hooks.prepare?.(ready, step) }
        return { ...ready, mixedTargets: mixed.targets, prepared }
      })
      return { ...made, time: step.time, ...(first !== undefined && { first }) }
    },
    normalize,
    learningRate: (rate, when) => hooks.learningRate?.(rate, stepOf(when).time) ?? rate,
    loss: (batch, logits, variables = {}) =>
      tf.tidy(() => {
        const step = stepOf(batch.time, batch.first)
        const entropy = softmaxCrossEntropy(batch.targets, logits)
        const loss = hooks.loss?.(entropy, { ...batch, ...step, logits }) ?? entropy
        const penalty = hooks.penalty?.(variables, step)
        return penalty ? tf.add(loss, penalty) : loss
      }),
    gradients: (next, batch, variables) =>
      hooks.gradients?.(next, { ...stepOf(batch.time, batch.first), batch, variables }) ?? next(),
    step: stepOf,
    explain: () => explain(tricks),
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
