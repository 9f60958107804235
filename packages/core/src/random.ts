import { assertArgument } from './option.ts'

/**
 * Random numbers that depend on the position in the run, not on previous draws.
 *
 * The generator is Philox4x32-10, a keyed bijection of a counter. The key is (seed, name); the counter holds (step,
 * image). So each image has its own stream in each step of each trick.
 *
 * @see Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"
 */
export interface Random {
  /** A float64 in `[low, high)`, by default `[0, 1)`. */
  uniform(low?: number, high?: number): number
  /** An integer in `[low, high)`, uniformly distributed. */
  integer(low: number, high: number): number
  /** A normally distributed number, by default with mean 0 and deviation 1. */
  normal(mean?: number, deviation?: number): number
  /** A number in `[0, 1]` from Beta(alpha, beta), both above 0; accurate for tiny alpha and beta too. */
  beta(alpha: number, beta: number): number
  /** The numbers 0 … size − 1 in random order. */
  permutation(size: number): Int32Array
  /** A named stream within this one: a trick's within the run, a child's within a combinator. */
  fork(name: string): Random
  /** The stream of a step; `first` is the index of the shard's first image in the global batch. */
  at(step: number, first?: number): Random
  /** The stream of the batch's i-th image. */
  image(i: number): Random
  /** One draw per image of the batch, each from that image's own stream. */
  images<T>(size: number, draw: (random: Random, i: number) => T): T[]
  /** Where the stream is: what `uniformsAt`, or a backend's kernel, needs to continue it. */
  position(): RandomPosition
}

/** The position of a stream: the key's two words, the counter's last three, and the number of words drawn. */
export type RandomPosition = readonly [
  seed: number,
  name: number,
  substream: number,
  step: number,
  nameEnd: number,
  drawn: number,
]

/**
 * The next values of a stream, in [0, 1), as float32.
 *
 * @param position from the stream's `position`
 * @example
 * const random = createRandom(1)
 * uniformsAt(random.position(), 2) // the float32 values of random.uniform(), random.uniform()
 */
export function uniformsAt(position: ArrayLike<number>, count: number): Float32Array {
  const [seed, name, substream, step, nameEnd, drawn] = Array.from(position) as [...RandomPosition]
  const random = stream(seed, [name, nameEnd], step >>> 0, 0, substream)
  // Each takes one word.
  for (let i = 0; i < drawn; i++) random.integer(0, 2 ** 32)
  return Float32Array.from({ length: count }, () => random.uniform())
}

/**
 * Creates the root of a run's random streams.
 *
 * @param seed a whole number in `[0, 2^32)`
 * @param where package or function name for the error message
 * @throws RangeError for an invalid seed
 * @example
 * const random = createRandom(42).fork('cutout').at(7)
 * const centers = random.images(128, (image) => [image.integer(0, 32), image.integer(0, 32)])
 */
export function createRandom(seed: number, where = 'createRandom'): Random {
  assertArgument(seed >>> 0 === seed, where, { seed }, 'a whole number in [0, 2^32)')
  return stream(seed, [0, 0])
}

/**
 * @param first the index of the shard's first image in the global batch
 * @param substream 0 for the whole batch, i + 1 for image i of the global batch
 */
function stream(seed: number, name: Pair, step = 0, first = 0, substream = 0): Random {
  let count = 0
  let words: readonly number[] = []
  // The step takes one and a half words, so that neither it nor the block index overflows.
  const end = name[1] + Math.floor(step / 2 ** 32)
  const word = (): number => {
    const used = count++ % 4
    if (used === 0) words = philox([(count - 1) / 4, substream, step, end], [seed, name[0]])
    return words[used]!
  }
  const uniform = (low = 0, high = 1): number =>
    low + ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) * 2 ** -53 * (high - low)
  /** An integer in [0, range). */
  const below = (range: number): number => {
    // Rejects words above the last whole multiple of the range, which would favour small numbers.
    const limit = 2 ** 32 - (2 ** 32 % range)
    let drawn = word()
    while (drawn >= limit) drawn = word()
    return drawn % range
  }
  const integer = (low: number, high: number): number => {
    const range = high - low
    const valid = Number.isInteger(low) && range >= 1 && range <= 2 ** 32
    assertArgument(valid, 'random', { 'low and high': [low, high] }, 'whole numbers, low < high')
    return low + below(range)
  }
  const normal = (mean = 0, deviation = 1): number =>
    mean + deviation * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  /** log of a Gamma(shape, 1) number (Marsaglia and Tsang 2000); the logarithm cannot underflow. */
  const logGamma = (shape: number): number => {
    if (shape < 1) return logGamma(shape + 1) + Math.log(1 - uniform()) / shape
    const d = shape - 1 / 3
    for (;;) {
      const x = normal()
      const v = (1 + x / Math.sqrt(9 * d)) ** 3
      if (v > 0 && Math.log(1 - uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v))
        return Math.log(d * v)
    }
  }

  const image = (i: number): Random => stream(seed, name, step, first, first + i + 1)

  return {
    uniform,
    integer,
    normal,
    beta(alpha, beta) {
      const valid = alpha > 0 && beta > 0
      assertArgument(valid, 'random', { 'alpha and beta': [alpha, beta] }, 'numbers above 0')
      const a = logGamma(alpha)
      const ratio = logGamma(beta) - a
      if (!Number.isNaN(ratio)) return 1 / (1 + Math.exp(ratio))
      // Both underflow: the distribution is concentrated at the ends, or at the mean.
      const mean = 1 / (1 + beta / alpha)
      return alpha < 1 ? Number(uniform() < mean) : mean
    },
    permutation(size) {
      const order = new Int32Array(size).map((_, i) => i)
      for (let i = size - 1; i > 0; i--) {
        const j = below(i + 1)
        ;[order[i], order[j]] = [order[j]!, order[i]!]
      }
      return order
    },
    fork: (child) => stream(seed, hash(name, child), step, first, substream),
    at: (nextStep, nextFirst) => stream(seed, name, nextStep, nextFirst),
    image,
    images: (size, draw) => Array.from({ length: size }, (_, i) => draw(image(i), i)),
    position: () => [seed, name[0], substream, step, end, count],
  }
}

/** Hashes the path of names to 64 bits: each character, and the end of each name, goes through Philox's key. */
function hash(parent: Pair, name: string): Pair {
  let [high, low] = parent
  for (const character of `${name}/`)
    [high, low] = philox([character.codePointAt(0)!, 0, 0, 0], [high, low])
  return [high, low]
}

type Pair = readonly [number, number]
type Words = readonly [number, number, number, number]

/** Philox4x32-10 of a four-word counter under a two-word key; words have 32 bits. */
export function philox(counter: readonly number[], key: readonly number[]): Words {
  let [a, b, c, d] = counter as Words
  let [k0, k1] = key as Pair
  for (let round = 0; round < 10; round++) {
    const high = highOf(multiplier0, a)
    const low = Math.imul(multiplier0, a)
    a = highOf(multiplier1, c) ^ b ^ k0
    b = Math.imul(multiplier1, c)
    c = high ^ d ^ k1
    d = low
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0]
}

const multiplier0 = 0xd2511f53
const multiplier1 = 0xcd9e8d57

/** The upper word of a product, computed from halves of the word so that each sum is exact. */
const highOf = (multiplier: number, word: number): number =>
  ((multiplier * (word >>> 16) + (((multiplier * (word & 0xffff)) / 65536) >>> 0)) / 65536) | 0
