import { conformance, expectClose } from '@tricks/conformance'
import { type Epoch, type Run, type Time, type Trick } from '@tricks/core'
import { composeRun } from '@tricks/core/run'
import { describe, expect, test } from 'vitest'
import { constantWarmup, warmup, warmupSchedule } from '../src/index.ts'
import fixture from './fixtures/warmup.json' with { type: 'json' }

const cosine =
  (rate: number, steps: number) =>
  (t: number): number =>
    (rate * (1 + Math.cos((Math.PI * Math.min(t, steps)) / steps))) / 2

describe('gradual', () => {
  test.each(fixture.cases)('matches the article: $kind $params', ({ params, expected }) => {
    const { base: rate, multiplier, steps } = params
    const after = 'afterSteps' in params ? cosine(rate * multiplier, params.afterSteps!) : undefined
    const schedule = warmupSchedule({ rate, multiplier, steps, after })
    expectClose(
      expected.map((_, t) => schedule(t)),
      expected,
    )
  })

  const time = (step: number): Time => ({ step, stepsPerEpoch: 10, steps: 100 })

  test('the next schedule counts from the end of the warm-up, and the rate has no dip', () => {
    const seen: Time[] = []
    const follow: Trick = {
      name: 'follow',
      options: {},
      setsRate: true,
      learningRate(rate, at) {
        seen.push(at)
        return cosine(rate, at.steps)(at.step)
      },
    }
    const pipeline = composeRun([warmup({ multiplier: 8, over: { epochs: 2 }, after: follow })])
    const rates = Array.from({ length: 100 }, (_, step) =>
      pipeline.learningRate(0.0125, time(step)),
    )
    expect(rates[0]).toBe(0.0125)
    expect(rates[20]).toBeCloseTo(0.1, 12)
    expect(seen[0]).toEqual({ step: 0, stepsPerEpoch: 10, steps: 80 })
    expect(rates.slice(0, 21)).toEqual(rates.slice(0, 21).toSorted((a, b) => a - b))
    expect(rates.slice(20)).toEqual(rates.slice(20).toSorted((a, b) => b - a))
  })

  test('a plateau that follows sees nothing from before, and keeps its state', () => {
    const observed: number[] = []
    const plateau: Trick<{ count: number }> = {
      name: 'plateau',
      options: {},
      start: () => ({ count: 0 }),
      learningRate: (rate, _, { count }) => rate / (1 + count),
      afterEpoch({ time: at }, state) {
        observed.push(at.step)
        state.count++
        return undefined
      },
      finish: (_, { count }) => void observed.push(-count),
    }
    const pipeline = composeRun([warmup({ multiplier: 2, over: { epochs: 2 }, after: plateau })])
    pipeline.start({} as Omit<Run, 'random'>)
    for (const step of [10, 20, 30, 40])
      pipeline.afterEpoch({ time: time(step), epoch: step / 10 - 1, variables: {} } as Epoch)
    expect(observed).toEqual([10, 20])
    expect(pipeline.learningRate(3, time(40))).toBe(2)
    expect(pipeline.save()).toEqual({ warmup: { plateau: { count: 2 } } })
    pipeline.finish({ reason: 'finished', time: time(50), variables: {} })
    expect(observed.at(-1)).toBe(-2)
  })

  test('without a following trick the rate stays constant', () => {
    const pipeline = composeRun([warmup({ multiplier: 8, over: { steps: 4 } })])
    const rates = [0, 2, 4, 5, 99].map((step) => pipeline.learningRate(0.5, time(step)))
    expect(rates).toEqual([0.5, 2.25, 4, 4, 4])
  })

  test('the following trick sets the rate from the last warm-up step on', () => {
    const schedule = warmupSchedule({ rate: 1, multiplier: 2, steps: 4, after: (t) => 10 + t })
    expect([3, 4, 5].map(schedule)).toEqual([1.75, 10, 11])
  })

  test('the following trick gets metrics from then on, at its own steps, and is in the plan', () => {
    const seen: [number, number][] = []
    const listens: Trick = {
      name: 'listens',
      options: {},
      learningRate: (rate) => rate,
      observe: [
        { every: { steps: 3 }, metrics: ({ loss }, { step }) => void seen.push([loss, step]) },
      ],
    }
    const trick = warmup({ multiplier: 2, over: { epochs: 2 }, after: listens })
    expect(trick.tricks).toEqual([listens])
    const pipeline = composeRun([trick])
    pipeline.start({} as Omit<Run, 'random'>)
    expect(pipeline.observe.map(({ every }) => every)).toEqual([{ steps: 3 }])
    for (const step of [19, 20, 21])
      pipeline.observe[0]!.metrics({ loss: step, accuracy: 0 }, time(step))
    expect(seen).toEqual([
      [20, 0],
      [21, 1],
    ])
    expect(composeRun([warmup({ multiplier: 2, over: { epochs: 2 } })]).observe).toEqual([])
  })

  test.each([
    [{ rate: 0 }, 'rate'],
    [{ rate: Infinity }, 'rate'],
    [{ multiplier: 1 }, 'multiplier'],
    [{ multiplier: Infinity }, 'multiplier'],
    [{ steps: 0 }, 'steps'],
    [{ steps: 1.5 }, 'steps'],
  ])('rejects a schedule with %j', (options, name) => {
    expect(() => warmupSchedule({ rate: 1, multiplier: 2, steps: 3, ...options })).toThrow(
      `warmup: expected ${name} to be `,
    )
  })

  test.each(['cosine', 5, null, {}, { name: 1 }])('%j can’t follow', (after) => {
    const make = (): unknown =>
      warmup({ multiplier: 2, over: { epochs: 1 }, after: after as unknown as Trick })
    expect(make).toThrow('warmup: expected after to be a trick that sets the learning rate')
  })

  test('rejects invalid parameters', () => {
    const over = { epochs: 1 }
    expect(() => warmup({ multiplier: 1, over })).toThrow(
      'warmup: expected multiplier to be a number above 1, got 1',
    )
    for (const [name, wrong] of [
      ['rate', '0.1'],
      ['multiplier', NaN],
      ['steps', null],
      ['after', 0.1],
      ['over', over],
    ] as const)
      expect(() =>
        warmupSchedule({ rate: 0.1, multiplier: 8, steps: 5, [name]: wrong as never }),
      ).toThrow(`warmup: expected ${name === 'over' ? 'options' : name} to be`)
    const silent: Trick = { name: 'silent', options: {} }
    expect(() => warmup({ multiplier: 2, over, after: silent })).toThrow(
      "'silent' can't follow, as it does not set",
    )
    expect(() =>
      composeRun([
        warmup({ multiplier: 2, over }),
        { ...warmup({ multiplier: 2, over }), name: 'other' },
      ]),
    ).toThrow('warmup and other both set the learning rate')
  })
})

describe('constant', () => {
  test('a small rate at first', () => {
    const pipeline = composeRun([constantWarmup({ factor: 0.5, over: { steps: 2 } })])
    expect([0, 1, 2, 3].map((step) => pipeline.learningRate(1, step))).toEqual([0.5, 0.5, 1, 1])
  })

  test('or a given rate', () => {
    const { learningRate } = composeRun([constantWarmup({ rate: 0.01, over: { steps: 2 } })])
    expect([0, 1, 2].map((step) => learningRate(0.1, step))).toEqual([0.01, 0.01, 0.1])
  })

  test('or until the training error falls below a bound', () => {
    const trick = constantWarmup({ factor: 0.1, until: 0.8, every: { steps: 5 } })
    const { start, learningRate, observe, save } = composeRun([trick])
    start({} as Omit<Run, 'random'>)
    const reportAccuracy = (accuracy: number): void =>
      observe[0]!.metrics({ loss: 1, accuracy }, { step: 4, stepsPerEpoch: 10, steps: 100 })
    reportAccuracy(0.2)
    expect(learningRate(1, 5)).toBe(0.1)
    reportAccuracy(0.21)
    expect(learningRate(1, 5)).toBe(1)
    // Once warmed up, it stays so.
    reportAccuracy(0)
    expect(learningRate(1, 5)).toBe(1)
    expect(save()).toEqual({ 'constant-warmup': { warm: true } })
    expect(observe[0]!.every).toEqual({ steps: 5 })
  })
})

test('resolves options with defaults', () => {
  expect(warmup({ multiplier: 2, over: { steps: 3 } }).options).toEqual({
    multiplier: 2,
    over: { steps: 3 },
  })
  expect(constantWarmup({ over: { steps: 2 } }).options).toEqual({
    factor: 0.1,
    over: { steps: 2 },
  })
  expect(constantWarmup({ rate: 0.01, until: 0.8 }).options).toEqual({
    rate: 0.01,
    until: 0.8,
    every: { steps: 20 },
  })
})

conformance(() => warmup({ multiplier: 8, over: { steps: 5 } }), {
  invalid: [
    () => warmup({ multiplier: 0.5, over: { steps: 5 } }),
    () => warmup({ multiplier: 2, over: { steps: -5 } }),
    () => warmup({ multiplier: '8' as never, over: { steps: 5 } }),
    () => warmup({ multiplier: 8 } as never),
    () => warmup({ multiplier: 8, over: { steps: 5 }, after: 'cosineDecay' as never }),
    () => warmup({ multiplier: 8, over: { steps: 5 }, after: null as never }),
    () => warmup({ multiplier: 8, over: { steps: 5 }, factor: 2 } as never),
  ],
})
conformance(() => constantWarmup({ until: 0.8 }), {
  invalid: [
    () => constantWarmup({ factor: 0, until: 0.8 }),
    () => constantWarmup({ rate: 0, until: 0.8 }),
    // @ts-expect-error: a rate excludes a factor
    () => constantWarmup({ rate: 0.01, factor: 0.1, until: 0.8 }),
    () => constantWarmup({ factor: '0.1' as never, until: 0.8 }),
    () => constantWarmup({ until: '0.8' as never }),
    // @ts-expect-error: it must end
    () => constantWarmup({}),
    // @ts-expect-error: every belongs to until
    () => constantWarmup({ over: { steps: 5 }, every: { steps: 2 } }),
    () => constantWarmup({ until: 0.8, after: 3 } as never),
    () => constantWarmup({ until: 80 }),
    // @ts-expect-error: over excludes until
    () => constantWarmup({ until: 0.8, over: { steps: 5 } }),
    () => constantWarmup({ over: { fraction: 2 } }),
  ],
})
