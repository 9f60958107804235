// One small trick for each way to break a law, with the kit's message.
import * as tf from '@tensorflow/tfjs-core'
import { createRandom, type Tensors, type Trick } from '@tricks/core'
import { type ConformanceOptions, expectUniform } from '../src/index.ts'

export interface Broken {
  readonly law: number
  /** The author's mistake. */
  readonly mistake: string
  readonly make: () => Trick
  readonly options?: ConformanceOptions
  readonly message: string
}

const images = (
  draw: NonNullable<Trick['images']>['draw'],
  apply: (images: tf.Tensor4D, params: never) => tf.Tensor4D,
): Partial<Trick> => ({ images: { draw, apply } })
const apply = (work: (given: tf.Tensor4D) => tf.Tensor4D): Partial<Trick> => images(() => 0, work)
const shifted = (given: tf.Tensor4D, by: readonly number[]): tf.Tensor4D =>
  tf.tidy(() => tf.mul(given, tf.tensor4d([...by], [given.shape[0], 1, 1, 1])))
const named = (name: string, hooks: Partial<Trick>): Trick => ({ options: {}, ...hooks, name })

/** Halves the rate after each epoch without a better loss; its state is in the run. */
const plateau = (name: string, best: number | null = 10): Trick<Memory> => ({
  name,
  options: {},
  start: () => ({ best, scale: 1 }),
  learningRate: (rate, _, { scale }) => rate * scale,
  afterEpoch({ validation }, state) {
    if (validation!.loss < (state.best ?? Infinity)) state.best = validation!.loss
    else state.scale /= 2
    return undefined
  },
})
interface Memory {
  best: number | null
  scale: number
}

/** The same with its state in a closure, unknown to the run. */
const closure = (name: string, start?: (memory: Memory) => void): Trick => {
  const memory: Memory = { best: 10, scale: 1 }
  return named(name, {
    ...(start && { start: () => start(memory) }),
    learningRate: (rate) => rate * memory.scale,
    afterEpoch: (epoch) => plateau(name).afterEpoch!(epoch, memory),
  })
}

/** Evaluates on a mean of the weights; `off` breaks a part of it. */
const averaging = (
  name: string,
  off: 'nothing' | 'evaluation' | 'memory' = 'nothing',
): Trick<{ mean: Tensors }> => ({
  name,
  options: {},
  start: ({ variables }) => ({ mean: { ...variables } }),
  afterStep(variables, { state }) {
    state.mean = mapped(variables, (value, path) =>
      tf.add(tf.mul(state.mean[path]!, 0.9), tf.mul(value, 0.1)),
    )
    if (off === 'memory') mapped(variables, (value) => tf.keep(tf.clone(value)))
  },
  evaluation: {
    weights(variables, { mean }) {
      if (off === 'evaluation')
        for (const [path, value] of Object.entries(mean)) variables[path]!.assign(value)
      return mapped(mean, (value) => tf.clone(value))
    },
  },
})
const mapped = (
  tensors: Tensors,
  f: (tensor: tf.Tensor, path: string) => tf.Tensor,
): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, f(tensor, path)]))

export const trusting = (length: number): Trick =>
  named('trusting', { learningRate: (rate) => rate * Math.abs(length) })
const curt = (length: number): Trick => {
  if (length < 0) throw new RangeError('bad length')
  return named('curt', trusting(length))
}

/** The distribution of a trick that draws one uniform number per image. */
export const uniformly = (low: number, high: number): ConformanceOptions => ({
  distribution: (draws: readonly number[][]) =>
    expectUniform({ strengths: draws.flat() }, low, high),
})

/** Breaks nothing. */
export const good: Readonly<Record<string, () => Trick>> = {
  /** Draws `uniformly(0.5, 1)`. */
  brightness: () =>
    named(
      'brightness',
      images(
        (random, { batch }) => random.images(batch, (image) => image.uniform(0.5, 1)),
        shifted,
      ),
    ),
  averaging: () => averaging('averaging'),
  plateau: () => plateau('plateau'),
  'sharpness-aware': () =>
    named('sharpness-aware', {
      gradients(next, { variables }) {
        const before = mapped(next(), (_, path) => variables[path]!.clone())
        for (const path of Object.keys(before))
          variables[path]!.assign(tf.mul(variables[path]!, 1.01))
        const gradients = next({ statistics: 'keep' })
        for (const [path, value] of Object.entries(before)) variables[path]!.assign(value)
        return gradients
      },
    }),
  teacher: () =>
    named('teacher', {
      prepare: ({ images: given }) => ({ brightness: tf.mean(given) }),
      loss: (loss, { prepared }) =>
        tf.tidy(() => tf.add(loss, tf.mul(prepared['brightness']!, 0.1))),
    }),
  'mirror-at-test': () =>
    named('mirror-at-test', {
      evaluation: {
        predict: (next, given) => tf.mul(tf.add(next(given), next(tf.reverse(given, 2))), 0.5),
      },
    }),
  colour: () =>
    named(
      'colour',
      apply((given) => {
        if (given.shape[3] !== 3)
          throw new Error(`colour: expected 3 channels, got ${given.shape[3]}`)
        return tf.tidy(() => tf.mul(given, tf.tensor1d([1, 0.5, 0.5])))
      }),
    ),
}

export const broken: readonly Broken[] = [
  {
    law: 1,
    mistake: 'draws from its own counter',
    make: () => {
      let drawn = 0
      return named(
        'counter',
        images(
          () => drawn++,
          (given) => tf.clone(given),
        ),
      )
    },
    message:
      'counter breaks law 1: two draws for seed 1, step 7 and a batch of 1 are 7 and 8. Use only the `random` passed to draw, and keep no state between calls',
  },
  {
    law: 1,
    mistake: "draws from one step's stream in all steps",
    make: () =>
      named(
        'same-again',
        images(
          (random, { batch }) => random.at(0).images(batch, (image) => image.uniform()),
          shifted,
        ),
      ),
    message:
      'same-again breaks law 1: steps 0 to 7 draw from one stream, so a batch of 1 gets the same random numbers in each. Use the `random` of the step directly, without random.at(…)',
  },
  {
    law: 1,
    mistake: 'draws for all images from one stream',
    make: () =>
      named(
        'one-stream',
        images(
          (random, { batch }) => Array.from({ length: batch }, () => random.integer(0, 2)),
          shifted,
        ),
      ),
    message:
      'one-stream breaks law 1: image 3 of a batch of 7 is changed differently at step 0 as image 1 of a shard: [1,1,1,0] is not a slice of [1,1,1,0,0,1,1]. Draw with random.images(batch, (image) => …), which gives each image its own stream',
  },
  {
    law: 1,
    mistake: 'makes tensors in draw',
    make: () =>
      named(
        'tensor-drawer',
        images(
          () => ({ by: tf.scalar(0.5) }),
          (given) => given,
        ),
      ),
    message:
      "tensor-drawer breaks law 1: draw returns a tensor at step 0 under 'by', so the run can't be replayed. Return JSON or typed arrays, and convert them to tensors in apply",
  },
  {
    law: 2,
    mistake: 'leaks intermediate tensors',
    make: () =>
      named(
        'untidy',
        apply((given) => tf.mul(tf.mul(given, 0.5), 0.5)),
      ),
    message:
      'untidy breaks law 2: images.apply left 1 tensor behind at batch 1 of 8×13×3 images. Wrap its body in tf.tidy(() => …), which disposes all but the result',
  },
  {
    law: 2,
    mistake: 'disposes its input',
    make: () =>
      named(
        'greedy',
        apply((given) => {
          const half = tf.tidy(() => tf.mul(given, 0.5))
          given.dispose()
          return half as tf.Tensor4D
        }),
      ),
    message:
      "greedy breaks law 2: images.apply disposes images at batch 1 of 8×13×3 images. They are the caller's: dispose only what the hook made, or leave that to tf.tidy",
  },
  {
    law: 2,
    mistake: 'changes weights that it should only read',
    make: () =>
      named('decay', {
        penalty: (variables) =>
          tf.tidy(() => {
            const bias = variables['dense/bias']!
            bias.assign(tf.mul(bias, 0.5))
            return tf.sum(tf.square(bias))
          }),
      }),
    message:
      'decay breaks law 2: penalty changes dense/bias at batch 1 of 8×13×3 images: value 0 was 0.6771 and is 0.3385. Return a new tensor, and restore weights after temporary changes',
  },
  {
    law: 2,
    mistake: 'keeps one tensor per step and disposes none',
    make: () => averaging('hoarder', 'memory'),
    message:
      'hoarder breaks law 2: a second run of 12 steps leaves 72 tensors more than the first. Keep tensors in the state that start returns: core disposes replaced tensors',
  },
  {
    law: 2,
    mistake: 'changes its params',
    make: () =>
      named(
        'overwriting',
        images(
          (_, { batch }) => Array.from({ length: batch }, () => 1),
          (given, params: number[]) => shifted(given, params.fill(0.5)),
        ),
      ),
    message:
      'overwriting breaks law 2: images.apply changes its params at batch 1 of 8×13×3 images: [1] became [0.5]. A replay applies them again: change a copy',
  },
  {
    law: 3,
    mistake: 'reads the values of a tensor',
    make: () =>
      named(
        'auto-level',
        apply((given) => tf.tidy(() => tf.div(given, Math.max(...given.dataSync())))),
      ),
    message:
      'auto-level breaks law 3: images.apply reads a tensor back, by dataSync or arraySync, at step 0 of batch 1 of 8×13×3 images. Decide on the host in draw and pass numbers on, or stay on the device: tf.where, tf.gather',
  },
  {
    law: 3,
    mistake: 'reads them asynchronously, without waiting',
    make: () => named('logger', { afterStep: (variables) => void variables['dense/bias']!.data() }),
    message:
      'logger breaks law 3: afterStep reads a tensor back, by data or array, at step 0 of batch 1 of 8×13×3 images. Decide on the host in draw and pass numbers on, or stay on the device: tf.where, tf.gather',
  },
  {
    law: 3,
    mistake: 'reads once, at the start of a run',
    make: () =>
      named('census', {
        start({ variables }) {
          Math.max(...variables['dense/kernel']!.dataSync())
        },
      }),
    message:
      'census breaks law 3: start reads a tensor back, by dataSync or arraySync, at step 0 of batch 1 of 8×13×3 images. Decide on the host in draw and pass numbers on, or stay on the device: tf.where, tf.gather',
  },
  {
    law: 4,
    mistake: 'brightens without clipping',
    make: () =>
      named(
        'glare',
        apply((given) => tf.tidy(() => tf.mul(given, 1.5))),
      ),
    message:
      'glare breaks law 4: images.apply at step 0 of batch 1 of 8×13×3 images returns images that contain 1.408, expected values in [0, 1]. Clip: tf.clipByValue(images, 0, 1)',
  },
  {
    law: 4,
    mistake: 'adds weight to the targets',
    make: () => named('heavy', { targets: (targets) => tf.tidy(() => tf.add(targets, 0.01)) }),
    message:
      'heavy breaks law 4: targets at step 0 of batch 1 of 8×13×3 images returns targets whose row 0 sums to 1.1, with a minimum of 0.01, expected a sum of 1 and a minimum of 0. Mix with weights that sum to 1',
  },
  {
    law: 4,
    mistake: 'returns another size without declaring it',
    make: () =>
      named(
        'shrink',
        apply((given) => tf.tidy(() => tf.image.resizeBilinear(given, [4, 4]))),
      ),
    message:
      "shrink breaks law 4: images.apply at step 0 of batch 1 of 8×13×3 images returns images of shape [1, 4, 4, 3], expected [1, 8, 13, 3]. Keep the shape, or declare another height and width with the kit's `outputSize`",
  },
  {
    law: 4,
    mistake: 'returns integers',
    make: () =>
      named(
        'rounding',
        apply((given) => tf.tidy(() => tf.cast(given, 'int32'))),
      ),
    message:
      "rounding breaks law 4: images.apply at step 0 of batch 1 of 8×13×3 images returns images of dtype int32, expected float32. Cast: tf.cast(x, 'float32')",
  },
  {
    law: 4,
    mistake: 'leaves some weights without a gradient',
    make: () =>
      named('freeze', {
        gradients(next) {
          const { 'dense/bias': _, ...others } = next()
          return others
        },
      }),
    message:
      "freeze breaks law 4: gradients at step 0 of batch 1 of 8×13×3 images doesn't return a gradient of dense/bias. Return it",
  },
  {
    law: 4,
    mistake: 'evaluates on weights of another shape',
    make: () =>
      named('flat', {
        evaluation: {
          weights: (variables) => ({ 'dense/kernel': tf.mean(variables['dense/kernel']!, 0) }),
        },
      }),
    message:
      'flat breaks law 4: evaluation.weights at step 0 of batch 1 of 8×13×3 images returns dense/kernel of shape [10], expected [6, 10]. Keep the shape',
  },
  {
    law: 4,
    mistake: 'evaluates on unknown weights',
    make: () =>
      named('misnamed', {
        evaluation: {
          weights: (variables) => ({ 'dense_1/kernel': tf.clone(variables['dense/kernel']!) }),
        },
      }),
    message:
      "misnamed breaks law 4: evaluation.weights at step 0 of batch 1 of 8×13×3 images returns dense_1/kernel, which is not a variable's path. Use the paths of `variables`",
  },
  {
    law: 4,
    mistake: 'ignores the end of the run',
    make: () =>
      named('ramp', { learningRate: (rate, { step, steps }) => rate * (1 - step / steps) }),
    message:
      'ramp breaks law 4: learningRate returns -0.008333 at step 13 of a run of 12, expected a finite number of at least 0. Keep the last rate after the end, and avoid a division by 0',
  },
  {
    law: 5,
    mistake: 'assumes an even batch size',
    make: () =>
      named(
        'halves',
        apply((given) => tf.tidy(() => tf.concat(tf.split(given, 2)))),
      ),
    message:
      'halves breaks law 5: with batch 1 of 8×13×3 images: Number of splits must evenly divide the axis. Work from images.shape, for any batch of at least 1 and any height and width',
  },
  {
    law: 5,
    mistake: 'assumes square images',
    make: () =>
      named(
        'quarter-turn',
        apply((given) => tf.tidy(() => tf.reverse(tf.transpose(given, [0, 2, 1, 3]), 1))),
      ),
    message:
      "quarter-turn breaks law 5: images.apply at step 0 of batch 1 of 8×13×3 images returns images of shape [1, 13, 8, 3], expected [1, 8, 13, 3]. Keep the shape, or declare another height and width with the kit's `outputSize`. Work from images.shape, for any batch of at least 1 and any height and width",
  },
  {
    law: 5,
    mistake: 'assumes colour images',
    make: () =>
      named(
        'tint',
        apply((given) => tf.tidy(() => tf.mul(given, tf.tensor1d([1, 0.9, 0.8])))),
      ),
    message:
      "tint breaks law 5: images.apply at step 0 of batch 3 of 8×13×1 images returns images of shape [3, 8, 13, 3], expected [3, 8, 13, 1]. Keep the shape, or declare another height and width with the kit's `outputSize`. Work from images.shape[3], or throw an Error 'tint: expected 3 channels, got 1'",
  },
  {
    law: 6,
    mistake: 'keeps its state in a closure',
    make: () =>
      closure('forgetful', (memory) => void Object.assign(memory, { best: 10, scale: 1 })),
    message:
      'forgetful breaks law 6: stopped before step 6 and resumed, the rate of step 9 is 0.1 instead of 0.05. Keep its state in the object that start returns, not in a closure',
  },
  {
    law: 6,
    mistake: "keeps a number that JSON can't represent",
    make: () => plateau('infinite', Infinity),
    message:
      "infinite breaks law 6: infinite.best in the state is Infinity, which a checkpoint can't store. Use JSON, typed arrays and tensors; null for a number that is not finite",
  },
  {
    law: 6,
    mistake: 'keeps an object that is not data',
    make: () =>
      named('mapping', { start: () => ({ seen: new Map([[1, 2]]) }), afterStep: () => {} }),
    message:
      "mapping breaks law 6: mapping.seen in the state is a Map, which a checkpoint can't store. Use JSON, typed arrays and tensors; null for a number that is not finite",
  },
  {
    law: 7,
    mistake: 'acts outside its hooks',
    make: () =>
      named('clamp', {
        start({ variables }) {
          const bias = variables['dense/bias']!
          const assign = bias.assign.bind(bias)
          bias.assign = (value) => assign(tf.clipByValue(value, 0, 1))
        },
      }),
    message:
      'clamp breaks law 7: it acts outside its window: in during({ from: { steps: 1000 } }, …) the variable dense/bias of step 0 is 0 instead of -0.01817. Act only in hooks, not through anything that start created',
  },
  {
    law: 7,
    mistake: 'evaluates on the average by assigning it to the model',
    make: () => averaging('swap', 'evaluation'),
    message:
      "swap breaks law 7: evaluating changes the training: the variable block1/conv/kernel of step 2 is -0.2014 instead of -0.2029. evaluation.weights and evaluation.predict must not change the variables or the trick's own state",
  },
  {
    law: 8,
    mistake: 'accepts any option',
    make: () => trusting(3),
    options: { invalid: [() => trusting(-3)] },
    message:
      "trusting breaks law 8: trusting(-3) is accepted. Declare it, as in defineOptions('trusting', { length: integer({ min: 1 }) }), and parse the factory's argument",
  },
  {
    law: 8,
    mistake: 'rejects an option without saying why',
    make: () => curt(3),
    options: { invalid: [() => curt(-3)] },
    message:
      "curt breaks law 8: curt(-3) throws 'bad length', expected 'curt: expected OPTION to be RANGE, got VALUE'. Declare it, as in defineOptions('curt', { length: integer({ min: 1 }) }), and parse the factory's argument",
  },
  {
    law: 9,
    mistake: 'draws from another distribution than the reference',
    make: () =>
      named(
        'loaded',
        images(
          (random, { batch }) => random.images(batch, (image) => image.integer(0, 10) / 10),
          shifted,
        ),
      ),
    options: uniformly(0, 1),
    message:
      'loaded breaks law 9: over 4000 steps of 8 images of 32×24×3: expected 32000 strengths to range from 0 to 1, got 0 to 0.9. Check the distribution in the paper, and which ends it includes',
  },
  {
    law: 9,
    mistake: 'draws without declaring a distribution',
    make: () =>
      named(
        'unheld',
        images((random, { batch }) => random.images(batch, (image) => image.uniform()), shifted),
      ),
    message:
      'unheld breaks law 9: images.draw draws random numbers that are not compared with the reference. Pass their `distribution` to the kit, as in { distribution: (draws) => expectUniform({ angles: draws.flat() }, -15, 15) }',
  },
  {
    law: 9,
    mistake: 'draws in another hook without declaring a distribution',
    make: () =>
      named('noisy-labels', {
        targets: (targets, { random }) =>
          tf.tidy(() => (random.uniform() < 0.5 ? tf.clone(targets) : tf.reverse(targets, 0))),
      }),
    message:
      'noisy-labels breaks law 9: targets draws random numbers that are not compared with the reference. Pass their `distribution` to the kit, as in { distribution: (draws) => expectUniform({ angles: draws.flat() }, -15, 15) }',
  },
  {
    law: 9,
    mistake: 'declares a distribution that accepts anything',
    make: () =>
      named(
        'lenient',
        images((random, { batch }) => random.images(batch, (image) => image.uniform()), shifted),
      ),
    options: { distribution: () => {} },
    message:
      'lenient breaks law 9: `distribution` accepts the same draws in every step. Check every drawn number with expectUniform, expectFrequencies or expectCdf',
  },
  {
    law: 9,
    mistake: 'declares a distribution that overlooks a shift',
    make: () =>
      named(
        'coarse',
        images(
          (random, { batch }) => random.images(batch, (image) => image.integer(0, 30)),
          (given) => tf.clone(given),
        ),
      ),
    options: {
      distribution(draws: readonly number[][]) {
        if (new Set(draws.flat()).size !== 30) throw new Error('there are thirty')
      },
      shifted: { 'one more': (params: number[]) => params.map((value) => value + 1) },
    },
    message:
      "coarse breaks law 9: `distribution` accepts shifted draws: 'one more'. Check every drawn number with expectUniform, expectFrequencies or expectCdf",
  },
  {
    law: 9,
    mistake: 'declares a distribution, but draws nothing',
    make: () =>
      named(
        'steady',
        apply((given) => tf.clone(given)),
      ),
    options: uniformly(0, 1),
    message:
      'steady breaks law 9: there is a `distribution`, but no hook draws random numbers. Use the `random` passed to hooks, or omit the `distribution`',
  },
  {
    law: 10,
    mistake: 'starts a run where the last one ended',
    make: () => closure('never-fresh'),
    message:
      'never-fresh breaks law 10: in a second run of the same object the rate of step 0 is 0.025 instead of 0.1. Return its state from start(run): hooks receive it, and each run has its own',
  },
  {
    law: 10,
    mistake: 'shares its state between interleaved runs',
    make: () => closure('shared', (memory) => void Object.assign(memory, { best: 10, scale: 1 })),
    message:
      'shared breaks law 10: in two interleaved runs of the same object the rate of step 4 is 0.05 instead of 0.1. Return its state from start(run): hooks receive it, and each run has its own',
  },
  {
    law: 10,
    mistake: 'changes its state when its rate is read',
    make: (): Trick<{ asked: number }> => ({
      name: 'clockwork',
      options: {},
      start: () => ({ asked: 0 }),
      learningRate: (rate, _, state) => rate / ++state.asked,
    }),
    message:
      "clockwork breaks law 10: if each step's rate is read twice, as for a plot, the rate of step 0 is 0.05 instead of 0.1. learningRate must not change any state: do that in afterStep, observe or afterEpoch",
  },
]

/** Draws with `Math.random`, which is unpredictable. */
export const lottery = (): Trick =>
  named(
    'lottery',
    images(
      () => Math.random() + createRandom(1).uniform(),
      (given) => tf.clone(given),
    ),
  )
