// Random options for every factory: the result must be a trick with working hooks, or an error naming trick and option.
// `node --conditions=@tricks/source packages/tools/cli/test/fuzz.ts [cases] [seed]` prints the findings.
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-layers'
import * as tf from '@tensorflow/tfjs-core'
import {
  createRandom,
  during,
  oneHot,
  oneOf,
  type Random,
  sometimes,
  type Trick,
} from '@tricks/core'
import { composeRun } from '@tricks/core/run'
import { factories as all, type Factory as Made } from '../../../../workshop/factories.ts'

/** Anything that a caller without types may pass. */
type Wild = Record<string, unknown>

interface Factory {
  /** Names that may begin an error message: the trick's and its parts'. */
  readonly names: readonly string[]
  readonly options: readonly string[]
  /** Creates it and uses it as a run does. */
  use(options: Wild): void
}

/** Some trick, for the combinators. */
const flip = all.find(({ name }) => name === 'randomFlip')!.make() as Trick

/** A factory with untyped options. */
const loose = (factory: unknown): ((options: Wild) => Trick) => factory as (options: Wild) => Trick

const found = ({ trick, options, make, sample }: Made): Factory => ({
  names: [options.name, trick],
  // tfjs-layers validates a layer's inputShape.
  options: [
    ...Object.keys(options.kinds).filter((option) => option !== 'inputShape'),
    ...(options.keyed ? ['key'] : []),
  ],
  use(wild) {
    const made = make({ ...sample({ classes: 3 }), ...wild }) as object
    if (made instanceof tf.Optimizer) runOptimizer(made)
    else if ('getConfig' in made) runLayer(made)
    else runHooks(made as Trick)
  },
})

/** Every factory in the repository, by name. */
const factories: Readonly<Record<string, Factory>> = {
  ...Object.fromEntries(all.map((each) => [each.name, found(each)])),
  during: {
    names: ['during'],
    options: ['from', 'until'],
    use: (options) => runHooks(during(options, flip)),
  },
  oneOf: {
    names: ['oneOf'],
    options: ['choices', 'weight'],
    use: ({ choices = [[flip, 1]], weight = 1 }) =>
      runHooks(
        loose(oneOf)(
          (weight === 1
            ? choices
            : [
                [flip, weight],
                [{ ...flip, name: 'other' }, 1],
              ]) as Wild,
        ),
      ),
  },
  sometimes: {
    names: ['sometimes'],
    options: ['probability'],
    use: ({ probability = 0.5 }) => runHooks(sometimes(probability as number, flip)),
  },
}

const numbers = [
  0,
  -0,
  1,
  -1,
  2,
  3,
  4,
  5,
  8,
  16,
  0.1,
  0.25,
  0.5,
  0.9,
  0.999,
  1.5,
  30,
  180,
  1e-8,
  5e-324,
  1e3,
  1e6,
  1e9,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e38,
  1e308,
  -1e308,
  -0.5,
  NaN,
  Infinity,
  -Infinity,
]
const words = [
  '',
  'mean',
  'random',
  '3',
  '__proto__',
  'constructor',
  'toString',
  'a/b',
  'min',
  'max',
  'edge',
  'reflect',
  'constant',
  'horizontal',
  'vertical',
  'channel',
  'block',
  'bilinear',
  'nearest',
  'cifar10',
  'imagenet',
  'kaimingNormal',
  'xavierNormal',
  'validation loss',
  'log-uniform',
]

/** A random value, mostly of the types that options have, at their limits. */
export function wildValue(random: Random, depth = 0): unknown {
  const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length)]!
  const kind = random.uniform()
  if (kind < 0.5) return pick(numbers)
  if (kind < 0.55) return random.uniform(-2, 2)
  if (kind < 0.65) return pick(words)
  if (kind < 0.72) return pick([true, false, null, undefined])
  if (kind < 0.8) return { [pick(['steps', 'epochs', 'fraction'])]: pick(numbers) }
  if (kind < 0.88 && depth < 3)
    return Array.from({ length: random.integer(0, 4) }, () => wildValue(random, depth + 1))
  if (kind < 0.91 && depth < 3)
    return Object.fromEntries(
      Array.from({ length: random.integer(0, 3) }, () => [
        pick(words.filter((word) => word !== 'toString')),
        wildValue(random, depth + 1),
      ]),
    )
  const loop: unknown[] = []
  loop.push(loop)
  const odd: unknown[] = [
    10n,
    () => 1,
    new Date(0),
    new Map(),
    loop,
    /x/,
    new Float32Array(3),
    JSON.parse('{"__proto__": {"odd": 1}}'),
    [10n],
    [[['Rotate', 0.5, 3]]],
    [0.1, 0.4],
    [8, 8],
    {
      eigenvalues: [1, 1, 1],
      eigenvectors: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
  ]
  return pick(odd)
}

/** Random values for some of a factory's options. */
function wildOptions(random: Random, options: readonly string[]): Wild {
  const many = random.uniform() < 0.6 ? 1 : random.integer(0, options.length + 1)
  const indices = [...random.permutation(options.length)].slice(0, many)
  return Object.fromEntries(indices.map((index) => [options[index]!, wildValue(random)]))
}

export interface Finding {
  readonly factory: string
  readonly options: string
  readonly what: string
}

/**
 * Tries the given number of random options, cycling through the factories.
 *
 * @returns how many worked and were rejected, and the findings
 */
export function fuzz(
  cases: number,
  seed = 0,
  before: (factory: string, options: Wild) => void = () => {},
): { worked: number; refused: number; findings: Finding[] } {
  const random = createRandom(seed).fork('fuzz')
  const names = Object.keys(factories)
  const findings: Finding[] = []
  let [worked, refused] = [0, 0]
  for (let i = 0; i < cases; i++) {
    const name = names[i % names.length]!
    const { names: known, options, use } = factories[name]!
    const wild = wildOptions(random.at(i), options)
    before(name, wild)
    const tensors = tf.memory().numTensors
    const find = (what: string): void =>
      void findings.push({ factory: name, options: show(wild), what })
    try {
      tf.tidy(() => use(wild))
      worked++
    } catch (error) {
      refused++
      const { message } = error as Error
      const starts = [...known, 'compose'].some((each) => message.startsWith(`${each}: `))
      const named = options.some((option) => message.includes(option))
      if (!starts || !named) find(`${(error as Error).name}: ${message}`)
    }
    const left = tf.memory().numTensors - tensors
    if (left > 0) find(`${left} tensors are left`)
    if ('odd' in {}) throw new Error(`${name} changed Object.prototype with ${show(wild)}`)
  }
  return { worked, refused, findings }
}

const show = (wild: Wild): string =>
  Object.entries(wild)
    .map(([name, value]) => `${name}: ${showValue(value)}`)
    .join(', ')

function showValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value)
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    return Object.prototype.toString.call(value)
  }
}

class NotFinite extends Error {}

function checkFinite(what: string, tensor: tf.Tensor): void {
  const at = tensor.dataSync().findIndex((value) => !Number.isFinite(value))
  if (at >= 0) throw new NotFinite(`${what} has a value that is not finite at ${at}`)
}

const [batch, height, width] = [5, 6, 7]
const pixels = Float32Array.from({ length: batch * height * width * 3 }, (_, i) => (i % 97) / 96)

/** Calls a trick's hooks as a run does, for two steps and the end of an epoch. */
function runHooks(made: Trick): void {
  const time = { step: 1, stepsPerEpoch: 2, steps: 4 }
  const pipeline = composeRun([made], {
    seed: 1,
    mean: [0.5],
    deviation: [0.25],
    stepsPerEpoch: 2,
    steps: 4,
  })
  const variables = {
    'conv/kernel': tf.variable(tf.fill([3, 3], 0.1)),
    'norm/gamma': tf.variable(tf.ones([3])),
    'dense/bias': tf.variable(tf.zeros([3])),
  }
  try {
    const size = { size: 10, height, width, channels: 3, classes: 3 }
    pipeline.start({
      variables,
      data: { ...size, mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
      batchSize: batch,
      time: { ...time, step: 0 },
    })
    for (const step of [0, 1]) {
      const now = { ...time, step }
      const rate = pipeline.learningRate(0.1, now)
      if (!(Number.isFinite(rate) && rate >= 0)) throw new NotFinite(`the rate is ${rate}`)
      const images = tf.tensor4d(pixels, [batch, height, width, 3])
      const shape = { batch, height, width, channels: 3, classes: 3, indices: [9, 0, 1, 5, 5] }
      const draws = pipeline.draw(shape, now)
      const ready = pipeline.batch(images, oneHot([0, 1, 2, 0, 1], 3), now, draws)
      checkFinite('images', ready.images)
      checkFinite('targets', ready.targets)
      const sums = tf.sum(ready.targets, 1).dataSync()
      if (sums.some((sum) => Math.abs(sum - 1) > 1e-4))
        throw new NotFinite(`targets sum to ${sums.join(', ')}`)
      const logits = tf.matMul<tf.Tensor2D>(tf.mean(ready.images, [1, 2]), variables['conv/kernel'])
      checkFinite('loss', pipeline.loss(ready, logits, variables))
      const gradients = pipeline.gradients(
        ({ batch: part = ready } = {}) => ({
          'conv/kernel': tf.fill([3, 3], part.images.shape[0]),
        }),
        ready,
        variables,
        (given) => tf.matMul<tf.Tensor2D>(tf.mean(given, [1, 2]), variables['conv/kernel']),
      )
      for (const [path, gradient] of Object.entries(gradients)) checkFinite(path, gradient)
      pipeline.afterStep(variables, now)
      for (const observer of pipeline.observe) observer.metrics({ loss: 2, accuracy: 0.4 }, now)
    }
    for (const epoch of [0, 1])
      pipeline.afterEpoch({
        epoch,
        time: { ...time, step: 2 * (epoch + 1) },
        training: { loss: 2, accuracy: 0.5 },
        validation: { loss: 1 + epoch, accuracy: 0.5 },
        variables,
      })
    for (const [path, variable] of Object.entries(variables)) checkFinite(path, variable)
    const state = pipeline.save()
    pipeline.restore(state)
    tf.dispose(state as tf.TensorContainerObject)
    pipeline.finish({ reason: 'finished', time: { ...time, step: 4 }, variables })
    JSON.stringify(pipeline.plan())
    JSON.stringify(pipeline.tricks.map(({ options }) => options))
    pipeline.dispose()
  } finally {
    tf.dispose(variables)
  }
}

/** Takes two steps with an optimizer. */
function runOptimizer(optimizer: tf.Optimizer): void {
  const weight = tf.variable(tf.tensor1d([1, -2]))
  try {
    for (let i = 0; i < 2; i++) {
      const gradient = tf.tensor1d([0.5, 1e-3])
      optimizer.applyGradients([{ name: weight.name, tensor: gradient }])
      gradient.dispose()
    }
    checkFinite('weight', weight)
  } finally {
    weight.dispose()
    optimizer.dispose()
  }
}

/** Calls a layer on images, in training mode. */
function runLayer(made: unknown): void {
  const layer = made as {
    apply(x: tf.Tensor, options: object): tf.Tensor
    getConfig(): unknown
    dispose(): void
  }
  const images = tf.tensor4d(pixels, [batch, height, width, 3])
  checkFinite('output', layer.apply(images, { training: true, seed: 1, step: 2 }))
  JSON.stringify(layer.getConfig())
  layer.dispose()
}

if (import.meta.main) {
  const [cases = 10_000, seed = 0] = process.argv.slice(2).map(Number)
  await tf.setBackend('cpu')
  const start = performance.now()
  const { worked, refused, findings } = fuzz(cases, seed)
  for (const { factory, options, what } of findings)
    console.log(`${factory} { ${options} }: ${what}`)
  console.log(
    `${cases} cases in ${((performance.now() - start) / 1000).toFixed(0)} s: ${worked} worked, ` +
      `${refused} were rejected, ${findings.length} found`,
  )
  process.exitCode = findings.length > 0 ? 1 : 0
}
