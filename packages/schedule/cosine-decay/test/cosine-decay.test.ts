import { conformance, expectClose } from '@tricks/conformance'
import { compose } from '@tricks/core'
import { expect, test } from 'vitest'
import { cosineDecay, cosineSchedule } from '../src/index.ts'
import fixture from './fixtures/cosine-decay.json' with { type: 'json' }

test.each(fixture.cases)(
  'matches torch: $params',
  ({ params: { lr: rate, steps, min }, expected }) => {
    const schedule = cosineSchedule({ rate, steps, min })
    expectClose(
      expected.map((_, t) => schedule(t)),
      expected,
    )
  },
)

test('stays at the lowest rate after its end', () => {
  const schedule = cosineSchedule({ rate: 0.1, steps: 10, min: 0.01 })
  expect([schedule(10), schedule(11), schedule(1000)]).toEqual([0.01, 0.01, 0.01])
})

test('as a trick, it decays over the run or the given duration', () => {
  const rate = (trick: ReturnType<typeof cosineDecay>, step: number): number =>
    compose([trick], { steps: 100, stepsPerEpoch: 10 }).learningRate(0.1, step)
  expect(rate(cosineDecay(), 0)).toBeCloseTo(0.1, 12)
  expect(rate(cosineDecay(), 50)).toBeCloseTo(0.05, 12)
  expect(rate(cosineDecay({ over: { epochs: 2 } }), 10)).toBeCloseTo(0.05, 12)
  expect(rate(cosineDecay({ min: 0.01 }), 100)).toBe(0.01)
})

test.each([
  [{ rate: 0, steps: 10 }, 'rate'],
  [{ rate: -1, steps: 10 }, 'rate'],
  [{ rate: Infinity, steps: 10 }, 'rate'],
  [{ rate: NaN, steps: 10 }, 'rate'],
  [{ rate: 1, steps: 1.5 }, 'steps'],
  [{ rate: 1, steps: 10, min: -0.1 }, 'min'],
])('rejects a schedule with %j', (options, name) => {
  expect(() => cosineSchedule(options)).toThrow(`cosine-decay: expected ${name} to be `)
})

test('min may equal the rate, which is then constant', () => {
  const schedule = cosineSchedule({ rate: 0.5, steps: 4, min: 0.5 })
  expect([0, 1, 2, 3, 4].map(schedule)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5])
})

test('it sets the rate, which conflicts with another', () => {
  const twice = [cosineDecay(), cosineDecay({ key: 'other' })]
  expect(() => compose(twice)).toThrow('cosine-decay and other both set the learning rate')
})

test('resolves options with defaults', () => {
  expect(cosineDecay().options).toEqual({ over: { fraction: 1 }, min: 0 })
  expect(cosineDecay({ over: { epochs: 2 }, min: 0.01 }).options).toEqual({
    over: { epochs: 2 },
    min: 0.01,
  })
})

test('rejects invalid parameters', () => {
  expect(() => cosineSchedule({ rate: 0.1, steps: 0 })).toThrow(
    'cosine-decay: expected steps to be a positive integer, got 0',
  )
  expect(() => cosineSchedule({ rate: 0.1, steps: 5, min: 1 })).toThrow(
    'min to be a number in [0, 0.1], the rate, got 1',
  )
  for (const [name, wrong] of [
    ['rate', '0.1'],
    ['rate', NaN],
    ['steps', '5'],
    ['steps', null],
    ['min', '0'],
    ['min', null],
    ['key', 'a'],
  ])
    expect(() => cosineSchedule({ rate: 0.1, steps: 5, [name as 'min']: wrong as number })).toThrow(
      `cosine-decay: expected ${name === 'key' ? 'options' : name} to be`,
    )
  expect(() => compose([cosineDecay()]).learningRate(0.1, 0)).toThrow(
    'needs steps: pass it to compose',
  )
})

conformance(() => cosineDecay(), {
  invalid: [
    () => cosineDecay({ min: -1 }),
    () => cosineDecay({ min: '0' as never }),
    () => cosineDecay({ over: { steps: 1.5 } }),
    () => cosineDecay({ over: null as never }),
    () => cosineDecay({ steps: 10 } as never),
  ],
})
