// One small trick for each way to break a law, and the words that the kit has for it.
import * as tf from '@tensorflow/tfjs-core'
import { createRandom, type Tensors, type Trick } from '@tricks/core'
import { type ConformanceOptions, expectUniform } from '../src/index.ts'

export interface Broken {
  readonly law: number
  /** What its author did. */
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

/** Halves the rate after each epoch without a better loss; what it remembers is in the run's state. */
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

/** The same with its memory in a closure, which the run knows nothing of. */
const closure = (name: string, start?: (memory: Memory) => void): Trick => {
  const memory: Memory = { best: 10, scale: 1 }
  return named(name, {
    ...(start && { start: () => start(memory) }),
    learningRate: (rate) => rate * memory.scale,
    afterEpoch: (epoch) => plateau(name).afterEpoch!(epoch, memory),
  })
}

/** Keeps a mean of the weights to evaluate on; what is `off` in it is broken. */
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

/** What a trick draws that has one uniform number per image. */
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
    mistake: 'draws from something of its own',
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
      'counter breaks law 1: drawing twice for seed 1, step 7 and a batch of 1 gives 7 and 8. Draw from the `random` that draw is given and from nothing else, and keep nothing from one call to the next',
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
      'same-again breaks law 1: steps 0 to 7 draw from one stream, so a batch of 1 gets the same random numbers in each. Use the `random` of the step as it is given, without random.at(…)',
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
      'one-stream breaks law 1: image 3 of a batch of 7 is changed otherwise at step 0 where it is image 1 of a shard: [1,1,1,0] is no slice of [1,1,1,0,0,1,1]. Draw by random.images(batch, (image) => …), which gives each image its own stream',
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
      "tensor-drawer breaks law 1: draw gives a tensor at step 0 under 'by', so the run can't be replayed. Give JSON or typed arrays, and make tensors of them in apply",
  },
  {
    law: 2,
    mistake: 'leaves what it made on the way',
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
    mistake: 'changes the weights that it is to look at',
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
      'decay breaks law 2: penalty changes dense/bias at batch 1 of 8×13×3 images: value 0 was 0.6771 and is 0.3385. Give a new tensor, and put weights back after a look elsewhere',
  },
  {
    law: 2,
    mistake: 'keeps one tensor per step and disposes none',
    make: () => averaging('hoarder', 'memory'),
    message:
      'hoarder breaks law 2: a second run of 12 steps leaves 72 tensors more than the first. Keep tensors in the state that start returns: core disposes those that are replaced',
  },
  {
    law: 2,
    mistake: 'changes the params that it is given',
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
    mistake: 'looks at the values of a tensor',
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
    mistake: 'asks for them, and does not even wait',
    make: () => named('logger', { afterStep: (variables) => void variables['dense/bias']!.data() }),
    message:
      'logger breaks law 3: afterStep reads a tensor back, by data or array, at step 0 of batch 1 of 8×13×3 images. Decide on the host in draw and pass numbers on, or stay on the device: tf.where, tf.gather',
  },
  {
    law: 3,
    mistake: 'looks once, as a run begins',
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
      'glare breaks law 4: images.apply at step 0 of batch 1 of 8×13×3 images gives images with 1.408 in them, expected values in [0, 1]. Clip: tf.clipByValue(images, 0, 1)',
  },
  {
    law: 4,
    mistake: 'adds weight to the targets',
    make: () => named('heavy', { targets: (targets) => tf.tidy(() => tf.add(targets, 0.01)) }),
    message:
      'heavy breaks law 4: targets at step 0 of batch 1 of 8×13×3 images gives targets whose row 0 sums to 1.1 with 0.01 as the lowest, expected 1 and at least 0. Weight what is mixed by shares of one whole',
  },
  {
    law: 4,
    mistake: 'gives another size than it got, and does not declare it',
    make: () =>
      named(
        'shrink',
        apply((given) => tf.tidy(() => tf.image.resizeBilinear(given, [4, 4]))),
      ),
    message:
      "shrink breaks law 4: images.apply at step 0 of batch 1 of 8×13×3 images gives images of shape [1, 4, 4, 3], expected [1, 8, 13, 3]. Keep the shape, or declare another height and width by the kit's `outputSize`",
  },
  {
    law: 4,
    mistake: 'gives integers',
    make: () =>
      named(
        'rounding',
        apply((given) => tf.tidy(() => tf.cast(given, 'int32'))),
      ),
    message:
      "rounding breaks law 4: images.apply at step 0 of batch 1 of 8×13×3 images gives images of dtype int32, expected float32. Cast: tf.cast(x, 'float32')",
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
      "freeze breaks law 4: gradients at step 0 of batch 1 of 8×13×3 images doesn't give a gradient of dense/bias. Return it",
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
      'flat breaks law 4: evaluation.weights at step 0 of batch 1 of 8×13×3 images gives dense/kernel of shape [10], expected [6, 10]. Keep the shape',
  },
  {
    law: 4,
    mistake: 'evaluates on weights that the model lacks',
    make: () =>
      named('misnamed', {
        evaluation: {
          weights: (variables) => ({ 'dense_1/kernel': tf.clone(variables['dense/kernel']!) }),
        },
      }),
    message:
      "misnamed breaks law 4: evaluation.weights at step 0 of batch 1 of 8×13×3 images gives dense_1/kernel, which is no variable's path. Use the paths of `variables`",
  },
  {
    law: 4,
    mistake: 'forgets the end of the run',
    make: () =>
      named('ramp', { learningRate: (rate, { step, steps }) => rate * (1 - step / steps) }),
    message:
      'ramp breaks law 4: learningRate gives -0.008333 at step 13 of a run of 12, expected a finite number of at least 0. Hold the last rate past the end, and mind a division by 0',
  },
  {
    law: 5,
    mistake: 'takes the batch for even',
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
    mistake: 'takes images for square',
    make: () =>
      named(
        'quarter-turn',
        apply((given) => tf.tidy(() => tf.reverse(tf.transpose(given, [0, 2, 1, 3]), 1))),
      ),
    message:
      "quarter-turn breaks law 5: images.apply at step 0 of batch 1 of 8×13×3 images gives images of shape [1, 13, 8, 3], expected [1, 8, 13, 3]. Keep the shape, or declare another height and width by the kit's `outputSize`. Work from images.shape, for any batch of at least 1 and any height and width",
  },
  {
    law: 5,
    mistake: 'takes images for coloured',
    make: () =>
      named(
        'tint',
        apply((given) => tf.tidy(() => tf.mul(given, tf.tensor1d([1, 0.9, 0.8])))),
      ),
    message:
      "tint breaks law 5: images.apply at step 0 of batch 3 of 8×13×1 images gives images of shape [3, 8, 13, 3], expected [3, 8, 13, 1]. Keep the shape, or declare another height and width by the kit's `outputSize`. Work from images.shape[3], or throw an Error 'tint: expected 3 channels, got 1'",
  },
  {
    law: 6,
    mistake: 'remembers in a closure',
    make: () =>
      closure('forgetful', (memory) => void Object.assign(memory, { best: 10, scale: 1 })),
    message:
      'forgetful breaks law 6: stopped before step 6 and resumed, the rate of step 9 is 0.1 in place of 0.05. What it remembers must be in the object that start returns, not in a closure',
  },
  {
    law: 6,
    mistake: 'keeps a number that JSON does not have',
    make: () => plateau('infinite', Infinity),
    message:
      "infinite breaks law 6: infinite.best in the state is Infinity, which a checkpoint can't hold. Use JSON, typed arrays and tensors; null for a number that is not finite",
  },
  {
    law: 6,
    mistake: 'keeps an object that is not data',
    make: () =>
      named('mapping', { start: () => ({ seen: new Map([[1, 2]]) }), afterStep: () => {} }),
    message:
      "mapping breaks law 6: mapping.seen in the state is a Map, which a checkpoint can't hold. Use JSON, typed arrays and tensors; null for a number that is not finite",
  },
  {
    law: 7,
    mistake: 'acts beside its hooks',
    make: () =>
      named('clamp', {
        start({ variables }) {
          const bias = variables['dense/bias']!
          const assign = bias.assign.bind(bias)
          bias.assign = (value) => assign(tf.clipByValue(value, 0, 1))
        },
      }),
    message:
      'clamp breaks law 7: it acts outside its window: in during({ from: { steps: 1000 } }, …) the variable dense/bias of step 0 is 0 in place of -0.01817. Act in hooks only, and not in what start leaves behind',
  },
  {
    law: 7,
    mistake: 'evaluates on the average by putting it in the model',
    make: () => averaging('swap', 'evaluation'),
    message:
      "swap breaks law 7: evaluating changes the training: the variable block1/conv/kernel of step 2 is -0.2014 in place of -0.2029. evaluation.weights and evaluation.predict must leave the variables and the trick's own state as they are",
  },
  {
    law: 8,
    mistake: 'takes any option',
    make: () => trusting(3),
    options: { invalid: [() => trusting(-3)] },
    message:
      "trusting breaks law 8: trusting(-3) is accepted. Declare it, as in defineOptions('trusting', { length: integer({ min: 1 }) }), and parse what the factory is given",
  },
  {
    law: 8,
    mistake: 'refuses without saying what',
    make: () => curt(3),
    options: { invalid: [() => curt(-3)] },
    message:
      "curt breaks law 8: curt(-3) throws 'bad length', expected 'curt: expected OPTION to be RANGE, got VALUE'. Declare it, as in defineOptions('curt', { length: integer({ min: 1 }) }), and parse what the factory is given",
  },
  {
    law: 9,
    mistake: 'draws otherwise than the reference',
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
      'loaded breaks law 9: over 4000 steps of 8 images of 32×24×3: expected 32000 strengths to range from 0 to 1, got 0 to 0.9. Compare with the paper: which distribution, which ends included',
  },
  {
    law: 9,
    mistake: 'draws, and declares no distribution',
    make: () =>
      named(
        'unheld',
        images((random, { batch }) => random.images(batch, (image) => image.uniform()), shifted),
      ),
    message:
      'unheld breaks law 9: images.draw draws random numbers, and nothing compares them with the reference. Give the kit their `distribution`, as in { distribution: (draws) => expectUniform({ angles: draws.flat() }, -15, 15) }',
  },
  {
    law: 9,
    mistake: 'draws in another hook, and declares no distribution',
    make: () =>
      named('noisy-labels', {
        targets: (targets, { random }) =>
          tf.tidy(() => (random.uniform() < 0.5 ? tf.clone(targets) : tf.reverse(targets, 0))),
      }),
    message:
      'noisy-labels breaks law 9: targets draws random numbers, and nothing compares them with the reference. Give the kit their `distribution`, as in { distribution: (draws) => expectUniform({ angles: draws.flat() }, -15, 15) }',
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
      'lenient breaks law 9: `distribution` accepts draws that are the same in every step. Compare every number that is drawn: expectUniform, expectFrequencies, expectCdf',
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
      "coarse breaks law 9: `distribution` accepts draws that are shifted: 'one more'. Compare every number that is drawn: expectUniform, expectFrequencies, expectCdf",
  },
  {
    law: 9,
    mistake: 'declares a distribution, and draws nothing',
    make: () =>
      named(
        'steady',
        apply((given) => tf.clone(given)),
      ),
    options: uniformly(0, 1),
    message:
      'steady breaks law 9: there is a `distribution`, and no hook draws random numbers. Draw from the `random` that hooks are given, or leave it out',
  },
  {
    law: 10,
    mistake: 'begins a run where the last one ended',
    make: () => closure('never-fresh'),
    message:
      'never-fresh breaks law 10: in a second run of the same object the rate of step 0 is 0.025 in place of 0.1. Return what it remembers from start(run); hooks get it, and each run has its own',
  },
  {
    law: 10,
    mistake: 'shares its memory between runs that take turns',
    make: () => closure('shared', (memory) => void Object.assign(memory, { best: 10, scale: 1 })),
    message:
      'shared breaks law 10: in two runs that take turns with the same object the rate of step 4 is 0.05 in place of 0.1. Return what it remembers from start(run); hooks get it, and each run has its own',
  },
  {
    law: 10,
    mistake: 'moves on when it is only asked',
    make: (): Trick<{ asked: number }> => ({
      name: 'clockwork',
      options: {},
      start: () => ({ asked: 0 }),
      learningRate: (rate, _, state) => rate / ++state.asked,
    }),
    message:
      "clockwork breaks law 10: where each step's rate is asked for twice, as for a plot, the rate of step 0 is 0.05 in place of 0.1. learningRate must change nothing: move on in afterStep, observe or afterEpoch",
  },
]

/** Draws by `Math.random`, whose numbers nobody can foretell. */
export const lottery = (): Trick =>
  named(
    'lottery',
    images(
      () => Math.random() + createRandom(1).uniform(),
      (given) => tf.clone(given),
    ),
  )
