import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Duration } from '../src/index.ts'
import {
  boolean,
  checked,
  choice,
  defineOptions,
  defineParameters,
  duration,
  integer,
  interval,
  type Kind,
  number,
  optional,
  type OptionsOf,
} from '../src/options.ts'

const options = defineOptions('dim', {
  /** How dark. */
  strength: number({ min: 0, max: 1, default: 0.2 }),
  holes: integer({ min: 1, default: 3 }),
  over: duration(),
  fill: choice(['mean', number({ min: 0, below: 1 })], { default: 'mean' }),
  area: interval({ above: 0, max: 1, default: [0.1, 0.4] }),
  inside: boolean({ default: false }),
  size: optional(integer({ min: 1 })),
})
type Options = OptionsOf<typeof options>

test('fills in the defaults', () => {
  const parsed = options.parse({ over: { epochs: 2 }, holes: 5 })
  expect(parsed).toEqual({
    strength: 0.2,
    holes: 5,
    over: { epochs: 2 },
    fill: 'mean',
    area: [0.1, 0.4],
    inside: false,
    size: undefined,
  })
  expectTypeOf(parsed.strength).toEqualTypeOf<number>()
  expectTypeOf(parsed.over).toEqualTypeOf<Duration>()
  expectTypeOf(parsed.fill).toEqualTypeOf<number | 'mean'>()
  expectTypeOf(parsed.area).toEqualTypeOf<readonly [number, number]>()
  expectTypeOf(parsed.size).toEqualTypeOf<number | undefined>()
})

test('types require options without a default', () => {
  expectTypeOf<Options['over']>().toEqualTypeOf<Duration>()
  expectTypeOf<Options['strength']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<Options['key']>().toEqualTypeOf<string | undefined>()
  // @ts-expect-error: over is required
  expect(() => options.parse({})).toThrow('dim: expected over to be one of { steps }')
  // @ts-expect-error: an unknown word
  expect(() => options.parse({ over: { steps: 1 }, fill: 'black' })).toThrow('dim: expected fill')
})

test('bounds are part of the range, in words', () => {
  const rangeOf = (bounds: Parameters<typeof number>[0]): string[] => [
    number(bounds).range,
    integer(bounds).range,
  ]
  expect(rangeOf({})).toEqual(['a number', 'an integer'])
  expect(rangeOf({ max: 3 })).toEqual(['a number of at most 3', 'an integer of at most 3'])
  expect(rangeOf({ below: 3 })).toEqual(['a number below 3', 'an integer below 3'])
  expect(rangeOf({ min: 0 })).toEqual(['a number of at least 0', 'an integer of at least 0'])
  expect(rangeOf({ above: 0 })).toEqual(['a number above 0', 'an integer above 0'])
  expect(rangeOf({ min: 1 })).toEqual(['a number of at least 1', 'a positive integer'])
  expect(rangeOf({ min: 0, max: 1 })).toEqual(['a number in [0, 1]', 'an integer in [0, 1]'])
  expect(rangeOf({ above: 0, below: 1 })).toEqual(['a number in (0, 1)', 'an integer in (0, 1)'])
})

const of = (kind: Kind, value: unknown): (() => unknown) => {
  const set = defineOptions('t', { x: kind })
  return () => set.parse({ x: value })
}

describe('each kind reports its range and the value', () => {
  test.each<[Kind, readonly unknown[], readonly unknown[], string]>([
    [
      number({ min: 0, max: 1 }),
      [0, 0.5, 1],
      [-0.1, 1.1, NaN, '0.5', null, [0.5]],
      'a number in [0, 1]',
    ],
    [number({ above: 0, below: 1 }), [0.5], [0, 1], 'a number in (0, 1)'],
    [number({ min: 0, below: 1 }), [0], [1], 'a number in [0, 1)'],
    [number({ above: 0 }), [1e-9, 1e9], [0, Infinity], 'a number above 0'],
    [number({ min: 0 }), [0], [-1, -Infinity], 'a number of at least 0'],
    [number({ max: 3 }), [-5, 3], [4], 'a number of at most 3'],
    [number({}), [-5], [NaN, Infinity, '1'], 'a number'],
    [integer({ min: 1 }), [1, 7], [0, 1.5, 2 ** 53, '3', true], 'a positive integer'],
    [integer({ min: 0 }), [0], [-1], 'an integer of at least 0'],
    [integer({ min: 1, max: 1000 }), [1000], [1001], 'an integer in [1, 1000]'],
    [boolean({ default: true }), [true, false], [1, 'true', 0, null], 'true or false'],
    [choice(['a', 'b', 'c']), ['a', 'c'], ['d', 1], "'a', 'b' or 'c'"],
    [choice(['a']), ['a'], ['b'], "'a'"],
    [
      choice(['mean', number({ min: 0, max: 1 })]),
      ['mean', 0.3],
      ['median', 2, '0.3'],
      "'mean' or a number in [0, 1]",
    ],
    [
      interval({ above: 0, max: 1 }),
      [
        [0.1, 0.1],
        [0.2, 1],
      ],
      [[0, 1], [0.5, 0.2], [0.1], [0.1, 0.2, 0.3], 0.5, ['0.1', 0.2], [0.1, NaN]],
      'a pair [low, high], low ≤ high, each a number in (0, 1]',
    ],
    [
      duration(),
      [{ steps: 0 }, { epochs: 1.5 }, { fraction: 1 }],
      [{ steps: 1.5 }, { fraction: 2 }, { steps: 1, epochs: 1 }, {}, 5, null],
      'one of { steps }, { epochs } and { fraction }',
    ],
    [
      duration({ above: 0 }),
      [{ steps: 1 }],
      [{ steps: 0 }],
      'one of { steps }, { epochs } and { fraction }, above 0',
    ],
    [checked('an even number', (x) => (x as number) % 2 === 0), [4], [3], 'an even number'],
    [optional(number({ min: 0 })), [undefined, 0], [-1], 'a number of at least 0'],
  ])('%#: %j', (kind, valid, invalid, range) => {
    expect(kind.range).toBe(range)
    for (const value of valid) expect(of(kind, value)()).toEqual({ x: value })
    for (const value of invalid)
      expect(of(kind, value)).toThrow(`t: expected x to be ${range}, got`)
  })
})

test('an unknown option is reported, with the known ones', () => {
  expect(() =>
    defineOptions('t', { length: integer({ min: 1 }) }).parse({ lenght: 3 } as never),
  ).toThrow(new RangeError('t: expected options to be some of length, key, got lenght'))
  expect(() => defineOptions('t', {}).parse(3)).toThrow(
    't: expected options to be an object, got 3',
  )
  expect(defineOptions('t', {}).parse()).toEqual({})
})

test('parameters of a function have no key', () => {
  const parameters = defineParameters('t', { steps: integer({ min: 1 }) })
  expect(parameters.parse({ steps: 2 })).toEqual({ steps: 2 })
  expectTypeOf<OptionsOf<typeof parameters>>().toEqualTypeOf<
    { readonly steps: number } & { readonly [P in never]?: never }
  >()
  // @ts-expect-error: a key, which is a trick's
  expect(() => parameters.parse({ steps: 2, key: 'a' })).toThrow(
    't: expected options to be some of steps, got key',
  )
  expect([parameters.keyed, options.keyed]).toEqual([false, true])
})

test('the declaration is data', () => {
  expect(JSON.parse(JSON.stringify(options.kinds.strength))).toEqual({
    type: 'number',
    range: 'a number in [0, 1]',
    min: 0,
    max: 1,
    default: 0.2,
  })
  expect(options.kinds.area).toMatchObject({ type: 'interval', above: 0, max: 1 })
  expect(number({ above: 0, scale: 'log' }).scale).toBe('log')
})
