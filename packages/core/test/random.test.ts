import { describe, expect, test } from 'vitest'
import { compose, createRandom } from '../src/index.ts'
import { philox, uniformsAt } from '../src/random.ts'

const many = 20_000
const draws = (draw: (random: ReturnType<typeof createRandom>) => number): number[] => {
  const random = createRandom(7).fork('test').at(3)
  return Array.from({ length: many }, () => draw(random))
}
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length
const variance = (values: readonly number[]): number =>
  mean(values.map((value) => (value - mean(values)) ** 2))

/** The largest distance between the sample's distribution and `cdf`; 1.95 / √n is exceeded once in a thousand. */
function kolmogorovSmirnov(values: readonly number[], cdf: (x: number) => number): number {
  const n = values.length
  return values
    .toSorted((a, b) => a - b)
    .reduce((worst, x, i) => Math.max(worst, cdf(x) - i / n, (i + 1) / n - cdf(x)), 0)
}
const limit = 1.95 / Math.sqrt(many)

describe('Philox4x32-10', () => {
  // The known answers published with Random123.
  const f = 0xffffffff
  test.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[f, f, f, f], [f, f], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('%j under %j', (counter, key, expected) => {
    expect(
      philox(counter, key)
        .map((word) => word.toString(16).padStart(8, '0'))
        .join(' '),
    ).toBe(expected)
  })
})

test('Philox is the same in whole numbers of any length', () => {
  const [low, m0, m1] = [0xffffffffn, 0xd2511f53n, 0xcd9e8d57n]
  const exact = (counter: readonly number[], key: readonly number[]): number[] => {
    let [a, b, c, d, k0, k1] = [...counter, ...key].map(BigInt) as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ]
    for (let round = 0; round < 10; round++) {
      const [left, right] = [m0 * a, m1 * c]
      ;[a, b, c, d] = [(right >> 32n) ^ b ^ k0, right & low, (left >> 32n) ^ d ^ k1, left & low]
      k0 = (k0 + 0x9e3779b9n) & low
      k1 = (k1 + 0xbb67ae85n) & low
    }
    return [a, b, c, d].map(Number)
  }
  const random = createRandom(11)
  const edges = [0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]
  const word = (): number =>
    random.uniform() < 0.3 ? edges[random.integer(0, 6)]! : random.integer(0, 2 ** 32)
  for (let i = 0; i < 2000; i++) {
    const [counter, key] = [
      [word(), word(), word(), word()],
      [word(), word()],
    ]
    expect(philox(counter, key), JSON.stringify([counter, key])).toEqual(exact(counter, key))
  }
})

describe('distributions', () => {
  test('uniform', () => {
    expect(
      kolmogorovSmirnov(
        draws((random) => random.uniform()),
        (x) => x,
      ),
    ).toBeLessThan(limit)
    const shifted = draws((random) => random.uniform(-2, 6))
    expect(kolmogorovSmirnov(shifted, (x) => (x + 2) / 8)).toBeLessThan(limit)
  })

  test('integer: every value is equally likely', () => {
    const counts = new Map<number, number>()
    for (const value of draws((random) => random.integer(-3, 4)))
      counts.set(value, (counts.get(value) ?? 0) + 1)
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3])
    const expected = many / 7
    const chiSquared = [...counts.values()].reduce(
      (sum, n) => sum + (n - expected) ** 2 / expected,
      0,
    )
    // The 0.999 quantile of chi-squared with 6 degrees of freedom.
    expect(chiSquared).toBeLessThan(22.46)
  })

  test('normal', () => {
    const values = draws((random) => random.normal(2, 3))
    // The logistic approximation of the normal distribution is within 0.0002.
    const cdf = (x: number): number => {
      const z = (x - 2) / 3
      return 1 / (1 + Math.exp(-(1.5976 * z + 0.07056 * z ** 3)))
    }
    expect(kolmogorovSmirnov(values, cdf)).toBeLessThan(limit + 0.0002)
    expect(mean(values)).toBeCloseTo(2, 1)
    expect(variance(values)).toBeCloseTo(9, 0)
  })

  // Distributions with an elementary closed form.
  const betas: [number, number, (x: number) => number][] = [
    [1, 1, (x) => x],
    [0.5, 0.5, (x) => (2 / Math.PI) * Math.asin(Math.sqrt(x))],
    [2, 1, (x) => x ** 2],
    [1, 3, (x) => 1 - (1 - x) ** 3],
    [0.2, 1, (x) => x ** 0.2],
    [2, 2, (x) => 3 * x ** 2 - 2 * x ** 3],
  ]
  test.each(betas)('Beta(%d, %d)', (alpha, beta, cdf) => {
    const random = createRandom(7).fork('test').at(3)
    // Enough to detect a sampler that fails to reject one candidate in twenty.
    const values = Array.from({ length: 5 * many }, () => random.beta(alpha, beta))
    expect(kolmogorovSmirnov(values, cdf)).toBeLessThan(limit / Math.sqrt(5))
  })

  test('Beta with extreme parameters is a coin with the right mean', () => {
    const values = draws((random) => random.beta(1e-310, 3e-310))
    expect(new Set(values)).toEqual(new Set([0, 1]))
    expect(Math.abs(mean(values) - 0.25)).toBeLessThan(3.3 * Math.sqrt((0.25 * 0.75) / many))
    expect(draws((random) => random.beta(1e300, 1e300))[0]).toBe(0.5)
  })

  test('integer: no bias in a range that does not divide 2^32', () => {
    // With a plain remainder, half of the numbers would be in the first third.
    const values = draws((random) => random.integer(0, 3 * 2 ** 30))
    const share = values.filter((value) => value < 2 ** 30).length / many
    expect(Math.abs(share - 1 / 3)).toBeLessThan(3.3 * Math.sqrt(2 / 9 / many))
  })

  test('integer takes ranges of 1 to 2^32 numbers', () => {
    const random = createRandom(0)
    expect(random.integer(3, 4)).toBe(3)
    expect(random.integer(-5, 2 ** 32 - 5)).toBeGreaterThanOrEqual(-5)
    for (const [low, high] of [
      [0, 2 ** 32 + 1],
      [0.5, 3],
      [4, 3],
      [NaN, 3],
    ] as const)
      expect(() => random.integer(low, high)).toThrow(
        'low and high to be whole numbers, low < high',
      )
  })

  test('Beta with a tiny alpha is a coin, never NaN', () => {
    const values = draws((random) => random.beta(1e-4, 1e-4))
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true)
    expect(mean(values)).toBeCloseTo(0.5, 1)
    expect(values.filter((value) => value > 0.01 && value < 0.99).length).toBeLessThan(many / 100)
  })

  test('permutation: all six orders of three are equally likely', () => {
    const counts = new Map<string, number>()
    const random = createRandom(1)
    for (let i = 0; i < 6000; i++) {
      const order = random.permutation(3).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(6)
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)
    // The 0.999 quantile with 5 degrees of freedom.
    expect(chiSquared).toBeLessThan(20.52)
  })
})

// A seed's draws must stay the same in every version, so that runs can be repeated.
describe('known answers', () => {
  /** The first words of a stream, straight from Philox. */
  const words = (
    { step = 0, substream = 0, name = [0, 0] as readonly number[] },
    count: number,
  ): number[] =>
    Array.from({ length: Math.ceil(count / 4) }, (_, block) =>
      philox([block, substream, step, name[1]! + Math.floor(step / 2 ** 32)], [5, name[0]!]),
    )
      .flat()
      .slice(0, count)
  const uniform = (high: number, low: number): number =>
    ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53

  test.each([
    [{}, createRandom(5)],
    [{ step: 7 }, createRandom(5).at(7)],
    [{ step: 2 ** 32 + 7 }, createRandom(5).at(2 ** 32 + 7)],
    [{ substream: 1 }, createRandom(5).image(0)],
    [{ step: 2, substream: 9 }, createRandom(5).at(2, 5).image(3)],
    // The words of a name: one per character, and those of its end.
    [
      {
        name: ['a', '/'].reduce<readonly number[]>(
          (key, c) => philox([c.charCodeAt(0), 0, 0, 0], key).slice(0, 2),
          [0, 0],
        ),
      },
      createRandom(5).fork('a'),
    ],
  ])('the words of a stream are those of Philox at %j', (at, random) => {
    const own = words(at, 12)
    const expected = [0, 2, 4, 6, 8, 10].map((i) => uniform(own[i]!, own[i + 1]!))
    expect(expected.map(() => random.uniform())).toEqual(expected)
  })

  test('integers are remainders, normal numbers use Box–Muller, permutations Fisher–Yates', () => {
    const own = words({}, 12)
    const integers = createRandom(5)
    expect([0, 1, 2, 3, 4].map(() => integers.integer(2, 12))).toEqual(
      own.slice(0, 5).map((word) => 2 + (word % 10)),
    )
    const [a, b] = [uniform(own[0]!, own[1]!), uniform(own[2]!, own[3]!)]
    expect(createRandom(5).normal(3, 2)).toBe(
      3 + 2 * Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b),
    )
    const order = [0, 1, 2, 3, 4]
    for (const [k, i] of [4, 3, 2, 1].entries()) {
      const j = own[k]! % (i + 1)
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
    expect([...createRandom(5).permutation(5)]).toEqual(order)
  })
})

describe('streams', () => {
  const first = (random: ReturnType<typeof createRandom>): number => random.uniform()

  test('depend only on seed, name, step and image', () => {
    const substream = (seed: number, name: string, step: number, image: number): number =>
      first(createRandom(seed).fork(name).at(step).image(image))
    const here = substream(1, 'cutout', 5, 3)
    expect(substream(1, 'cutout', 5, 3)).toBe(here)
    expect(substream(2, 'cutout', 5, 3)).not.toBe(here)
    expect(substream(1, 'mixup', 5, 3)).not.toBe(here)
    expect(substream(1, 'cutout', 6, 3)).not.toBe(here)
    expect(substream(1, 'cutout', 5, 4)).not.toBe(here)
    expect(first(createRandom(1).at(5).fork('cutout').image(3))).toBe(here)
  })

  test('nested names do not collide', () => {
    const root = createRandom(0)
    const values = [
      root.fork('ab').fork('c'),
      root.fork('a').fork('bc'),
      root.fork('abc'),
      root.fork('c').fork('ab'),
      root,
    ].map(first)
    expect(new Set(values).size).toBe(5)
  })

  test("a shard's draws are a slice of the whole batch's", () => {
    const whole = createRandom(1).at(9).images(8, first)
    const shard = createRandom(1).at(9, 4).images(4, first)
    expect(shard).toEqual(whole.slice(4))
  })

  test('neighbouring streams do not correlate', () => {
    const pairs = Array.from({ length: many }, (_, i) => [
      first(createRandom(0).image(i)) - 0.5,
      first(createRandom(0).image(i + 1)) - 0.5,
    ])
    const correlation = mean(pairs.map(([a, b]) => a! * b!)) * 12
    expect(Math.abs(correlation)).toBeLessThan(3.3 / Math.sqrt(many))
  })

  test.each([-1, 0.5, NaN, 2 ** 32])('a seed of %d is rejected', (seed) => {
    expect(() => createRandom(seed)).toThrow(
      `createRandom: expected seed to be a whole number in [0, 2^32), got ${seed}`,
    )
  })

  test("an error names the seed's owner", () => {
    expect(() => createRandom(-1, 'shuffle')).toThrow('shuffle: expected seed to be')
    expect(() => compose([], { seed: -1 })).toThrow('compose: expected seed to be')
  })

  test('an empty range is rejected', () => {
    expect(() => createRandom(0).integer(3, 3)).toThrow('got [3,3]')
    for (const [alpha, beta] of [
      [0, 1],
      [1, 0],
      [1, -2],
      [NaN, 1],
      [1, NaN],
    ] as const)
      expect(() => createRandom(0).beta(alpha, beta)).toThrow(
        `above 0, got [${[alpha, beta].map((each) => (Number.isNaN(each) ? '"NaN"' : each)).join()}]`,
      )
  })
})

test.each([3, 2 ** 40 + 3])('a position continues its stream, in step %d', (step) => {
  const image = createRandom(9).fork('test').at(step, 5).image(2)
  // Words are drawn four at a time; an integer takes one of them, a uniform number two.
  for (let drawn = 0; drawn < 9; drawn++) {
    const values = uniformsAt(image.position(), 5)
    expect(uniformsAt(Float64Array.from(image.position()), 5)).toEqual(values)
    const next = Array.from({ length: 5 }, () => Math.fround(image.uniform()))
    expect([...values]).toEqual(next)
    image.integer(0, 256)
  }
})
