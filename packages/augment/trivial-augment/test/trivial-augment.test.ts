import {
  conformance,
  evenly,
  expectClose,
  expectFrequencies,
  expectIndependent,
  asInPipeline,
} from '@tricks/conformance'
import { expect, test } from 'vitest'
import {
  trivialAugment,
  trivialAugmentBatch,
  trivialAugmentMagnitudes,
  type TrivialAugmentParams,
} from '../src/index.ts'
import fixture from './fixtures/trivial-augment.json' with { type: 'json' }

test.each(fixture.cases)('magnitudes match torchvision: $params', ({ params, expected }) => {
  const space = trivialAugmentMagnitudes(params)
  expect(Object.keys(space).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [op, { magnitudes, signed }] of Object.entries(expected)) {
    expect(space[op]!.signed, op).toBe(signed)
    if (magnitudes === null) expect(space[op]!.magnitudes, op).toBeNull()
    else expectClose([...space[op]!.magnitudes!], magnitudes, { absolute: 1e-4 })
  }
})

asInPipeline(trivialAugment, trivialAugmentBatch, { fill: 0.5 })

test.each([2, 4])('%d channels are rejected when a run starts', (channels) => {
  const data = { size: 8, height: 8, width: 8, channels, classes: 2, mean: [], deviation: [] }
  expect(() => trivialAugment().start!({ data } as never)).toThrow(
    `trivial-augment: expected channels to be 1 or 3 for Contrast, got ${channels}`,
  )
})

test('halves of a bit are rounded to even, as torch does', () => {
  const { Posterize } = trivialAugmentMagnitudes({ bins: 13, height: 32, width: 32 })
  expect(Posterize!.magnitudes).toEqual([8, 8, 7, 6, 6, 6, 5, 4, 4, 4, 3, 2, 2])
})

/** All operations are equally likely; 'none' is the identity. */
const ops = Object.fromEntries(
  Object.keys(trivialAugmentMagnitudes({ bins: 31, height: 32, width: 24 })).map((op) => [
    op === 'Identity' ? 'none' : op,
    1 / 14,
  ]),
)
conformance(() => trivialAugment({}), {
  distribution(draws: readonly TrivialAugmentParams[]) {
    const steps = draws.flatMap((draw) => draw.steps.flat())
    expect(steps).toHaveLength(draws.length * 8)
    expectFrequencies({ ops: steps.map((step) => step?.op ?? 'none') }, ops)
    const of = (op: string): number[] =>
      steps.flatMap((step) => (step?.op === op ? [step.magnitude] : []))
    expectFrequencies(
      { bins: of('Rotate').map((angle) => Math.round(Math.abs(angle) / 4.5)) },
      evenly(0, 31),
    )
    expectFrequencies(
      { levels: of('Solarize').map((level) => Math.round(level / 8.5)) },
      evenly(0, 31),
    )
    const moved = of('TranslateX').filter((pixels) => pixels !== 0)
    expectFrequencies(
      { signs: moved.map((pixels) => String(pixels > 0)) },
      { true: 0.5, false: 0.5 },
    )
    expectIndependent({ signs: moved.map(Math.sign), pixels: moved.map(Math.abs) })
  },
  invalid: [
    () => trivialAugment({ bins: 1 }),
    () => trivialAugment({ bins: 2.5 }),
    () => trivialAugment({ fill: -1 }),
    () => trivialAugment({ magnitude: 9 } as never),
  ],
})
