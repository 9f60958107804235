import {
  conformance,
  expectClose,
  expectFrequencies,
  expectIndependent,
  asInPipeline,
} from '@tricks/conformance'
import { expect, test } from 'vitest'
import {
  randAugment,
  randAugmentBatch,
  randAugmentMagnitudes,
  type RandAugmentParams,
} from '../src/index.ts'
import fixture from './fixtures/rand-augment.json' with { type: 'json' }

test.each(fixture.cases)('magnitudes match torchvision: $params', ({ params, expected }) => {
  const space = randAugmentMagnitudes(params)
  expect(Object.keys(space).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [op, { magnitudes, signed }] of Object.entries(expected)) {
    expect(space[op]!.signed, op).toBe(signed)
    if (magnitudes === null) expect(space[op]!.magnitudes, op).toBeNull()
    else expectClose([...space[op]!.magnitudes!], magnitudes, { absolute: 1e-4 })
  }
})

asInPipeline(randAugment, randAugmentBatch, { fill: 0.5 })

test.each([2, 4])('%d channels are rejected when a run starts', (channels) => {
  const data = { size: 8, height: 8, width: 8, channels, classes: 2, mean: [], deviation: [] }
  expect(() => randAugment().start!({ data } as never)).toThrow(
    `rand-augment: expected channels to be 1 or 3 for Contrast, got ${channels}`,
  )
})

test('describes its draws', () => {
  const steps = [[{ op: 'Rotate', magnitude: 10 }, null]] as never
  expect(randAugment().images!.describe!({ steps }, 0)).toBe('Rotate +10°')
})

/** All operations are equally likely; 'none' is the identity. */
const ops = Object.fromEntries(
  Object.keys(randAugmentMagnitudes({ bins: 31, height: 32, width: 24 })).map((op) => [
    op === 'Identity' ? 'none' : op,
    1 / 14,
  ]),
)
conformance(() => randAugment({ operations: 2, magnitude: 10 }), {
  distribution(draws: readonly RandAugmentParams[]) {
    const steps = draws.flatMap((draw) => draw.steps)
    expectFrequencies({ first: steps.map(([step]) => step?.op ?? 'none') }, ops)
    expectFrequencies({ second: steps.map(([, step]) => step?.op ?? 'none') }, ops)
    expectIndependent({
      first: steps.map(([step]) => step?.op ?? 'none'),
      second: steps.map(([, step]) => step?.op ?? 'none'),
    })
    const of = (op: string): number[] =>
      steps.flat().flatMap((step) => (step?.op === op ? [step.magnitude] : []))
    expectFrequencies({ rotations: of('Rotate') }, { '-10': 0.5, 10: 0.5 })
    expectFrequencies({ thresholds: of('Solarize') }, { 170: 1 })
    expectFrequencies({ bits: of('Posterize') }, { 7: 1 })
    expectFrequencies(
      { shears: of('ShearX').map((shear) => shear.toFixed(2)) },
      { '-0.10': 0.5, '0.10': 0.5 },
    )
  },
  invalid: [
    () => randAugment({ operations: 0 }),
    () => randAugment({ operations: 1.5 }),
    () => randAugment({ magnitude: -1 }),
    () => randAugment({ magnitude: 31 }),
    () => randAugment({ magnitude: 5, bins: 5 }),
    () => randAugment({ bins: 1 }),
    () => randAugment({ fill: 2 }),
    () => randAugment({ policy: 'cifar10' } as never),
  ],
})
