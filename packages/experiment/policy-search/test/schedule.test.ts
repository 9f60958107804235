import { conformance, expectFrequencies } from '@tricks/conformance'
import { createRandom, type Time } from '@tricks/core'
import type { StepsParams } from '@tricks/operations'
import { expect, test } from 'vitest'
import { drawPopulationPolicy, scheduledAugment } from '../src/index.ts'

const always = (op: 'Invert' | 'Rotate' | 'Solarize') => [[op, 10, 9]] as const
const shape = { batch: 64, height: 8, width: 8, channels: 3, classes: 2, mean: [0.5, 0.5, 0.5] }
const opsAt = (
  trick: ReturnType<typeof scheduledAugment>,
  step: number,
  steps: number,
): string[] => {
  const time: Time = { step, steps, stepsPerEpoch: 10 }
  const { steps: drawn } = trick.images!.draw(createRandom(1).at(step), shape, time) as StepsParams
  return [...new Set(drawn.flat().map((each) => each!.op))]
}

test('follows its schedule, stretched to the run', () => {
  const trick = scheduledAugment({
    schedule: [
      { until: 0.25, policy: [] },
      { until: 0.5, policy: always('Invert') },
      { until: 0.75, policy: always('Rotate') },
    ],
  })
  for (const steps of [100, 400]) {
    expect(opsAt(trick, 0.1 * steps, steps)).toEqual([])
    expect(opsAt(trick, 0.25 * steps, steps)).toEqual(['Invert'])
    expect(opsAt(trick, 0.49 * steps, steps)).toEqual(['Invert'])
    expect(opsAt(trick, 0.6 * steps, steps)).toEqual(['Rotate'])
    expect(opsAt(trick, 0.99 * steps, steps)).toEqual(['Rotate'])
  }
})

const policy = drawPopulationPolicy(createRandom(3))
conformance(() => scheduledAugment({ schedule: [{ until: 1, policy }] }), {
  distribution(draws: readonly StepsParams[]) {
    // With thirty operations and a mean probability of one half, the count is nearly always reached.
    const counts = draws.flatMap(({ steps }) => steps.map(({ length }) => length))
    expectFrequencies({ counts }, { 0: 0.2, 1: 0.3, 2: 0.5 })
  },
  invalid: [
    () => scheduledAugment({ schedule: [] }),
    () => scheduledAugment({ schedule: [{ until: 0, policy }] }),
    () => scheduledAugment({ schedule: [{ until: 1.5, policy }] }),
    () =>
      scheduledAugment({
        schedule: [
          { until: 0.5, policy },
          { until: 0.4, policy },
        ],
      }),
    () => scheduledAugment({ schedule: [{ until: 1, policy: [['Rotate', 11, 0]] }] }),
    () => scheduledAugment({ schedule: [{ until: 1, policy: [['Rotate', 1, 9.5]] }] }),
    () => scheduledAugment({ schedule: [{ until: 1, policy: [['Twist' as never, 1, 1]] }] }),
    () => scheduledAugment({ schedule: [{ until: 1, policy: [['SamplePairing', 1, 1]] }] }),
    () => scheduledAugment({ schedule: [{ until: 1, policy }], fill: 2 }),
  ],
})
