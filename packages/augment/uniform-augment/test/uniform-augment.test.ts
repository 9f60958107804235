import {
  conformance,
  evenly,
  expectFrequencies,
  expectUniform,
  asInPipeline,
} from '@tricks/conformance'
import { expect, test } from 'vitest'
import { uniformAugment, uniformAugmentBatch, type UniformAugmentParams } from '../src/index.ts'

asInPipeline(uniformAugment, uniformAugmentBatch, { operations: 3, fill: 0 })

test.each([2, 4])('%d channels are rejected when a run starts', (channels) => {
  const data = { size: 8, height: 8, width: 8, channels, classes: 2, mean: [], deviation: [] }
  expect(() => uniformAugment().start!({ data } as never)).toThrow(
    `uniform-augment: expected channels to be 1 or 3 for Contrast, got ${channels}`,
  )
})

const names = [
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'AutoContrast',
  'Invert',
  'Equalize',
  'Solarize',
  'Posterize',
  'Contrast',
  'Color',
  'Brightness',
  'Sharpness',
  'Cutout',
]
conformance(() => uniformAugment(), {
  distribution(draws: readonly UniformAugmentParams[]) {
    const steps = draws.flatMap((draw) => draw.steps.flat())
    expect(steps).toHaveLength(draws.length * 16)
    // With a uniform probability, an operation is applied half of the time.
    const chances = Object.fromEntries(names.map((op) => [op, 0.5 / names.length]))
    expectFrequencies({ ops: steps.map((step) => step?.op ?? 'none') }, { ...chances, none: 0.5 })
    const of = (op: string): number[] =>
      steps.flatMap((step) => (step?.op === op ? [step.magnitude] : []))
    expectUniform({ shears: of('ShearX') }, -0.3, 0.3)
    expectUniform({ right: of('TranslateX') }, -10.8, 10.8)
    expectUniform({ down: of('TranslateY') }, -14.4, 14.4)
    expectUniform({ degrees: of('Rotate') }, -30, 30)
    expectUniform({ levels: of('Solarize') }, 0, 256)
    expectFrequencies({ bits: of('Posterize') }, evenly(4, 8))
    for (const op of ['Contrast', 'Color', 'Brightness', 'Sharpness'])
      expectUniform({ [op]: of(op) }, -0.9, 0.9)
    expectUniform({ sides: of('Cutout') }, 0, 4.8)
    const centers = steps.flatMap((step) => (step?.center ? [step.center] : []))
    expectFrequencies({ rows: centers.map(([row]) => row) }, evenly(0, 32))
    expectFrequencies({ columns: centers.map(([, column]) => column) }, evenly(0, 24))
  },
  invalid: [
    () => uniformAugment({ operations: 0 }),
    () => uniformAugment({ operations: '2' as never }),
    () => uniformAugment({ fill: 2 }),
    () => uniformAugment({ magnitude: 9 } as never),
  ],
})
