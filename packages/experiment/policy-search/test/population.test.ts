import { createRandom } from '@tricks/core'
import { expect, test } from 'vitest'
import {
  densitySpace,
  drawPopulationPolicy,
  explorePolicy,
  firstPolicies,
  mergePolicies,
  nextGeneration,
  pictureOf,
  pictureOfPolicy,
  policyOf,
  populationOperations,
  randomPolicy,
} from '../src/index.ts'
import { proposeConfiguration } from '@tricks/tune'
import { autoAugment } from '@tricks/autoaugment'

test('a policy has 60 integers: each operation twice', () => {
  const policy = drawPopulationPolicy(createRandom(1))
  expect(policy.map(([op]) => op)).toEqual([...populationOperations, ...populationOperations])
  expect(policy.flatMap(([, ...integers]) => integers)).toHaveLength(60)
})

test('its integers are uniform', () => {
  const drawn = Array.from({ length: 400 }, (_, i) =>
    drawPopulationPolicy(createRandom(2).at(i)),
  ).flat()
  for (const [at, size] of [
    [1, 11],
    [2, 10],
  ] as const)
    for (let value = 0; value < size; value++) {
      const share = drawn.filter((step) => step[at] === value).length / drawn.length
      expect(Math.abs(share - 1 / size), `${value} of ${size}`).toBeLessThan(0.01)
    }
})

test('exploring redraws a fifth, and moves the others by up to 3 within the range', () => {
  const policy = populationOperations.map((op) => [op, 5, 5] as const)
  const moves = Array.from({ length: 2000 }, (_, i) => explorePolicy(policy, createRandom(3).at(i)))
    .flat()
    .map(([, tenths]) => tenths - 5)
  const share = (by: number): number => moves.filter((move) => move === by).length / moves.length
  const redrawn = 0.2 / 11
  expect(share(0)).toBeCloseTo(0.8 / 4 + redrawn, 1)
  for (const by of [-3, -2, -1, 1, 2, 3])
    expect(Math.abs(share(by) - (0.1 + redrawn))).toBeLessThan(0.006)
  for (const by of [-5, -4, 4, 5]) expect(Math.abs(share(by) - redrawn)).toBeLessThan(0.003)
  const [edge] = explorePolicy([['Rotate', 10, 0]], createRandom(4))
  expect(edge![1]).toBeLessThanOrEqual(10)
  expect(edge![2]).toBeGreaterThanOrEqual(0)
})

test('the first policies change nothing, or little', () => {
  const [nothing, ...others] = firstPolicies(400, createRandom(7))
  expect(nothing!.flatMap(([, ...integers]) => integers)).toEqual(Array(60).fill(0))
  const tenths = others.flat().map(([, value]) => value)
  // A fifth is uniform in 0 to 10, and of the others half stay at 0; the others move by 0 to 3.
  const mean = tenths.reduce((sum, value) => sum + value, 0) / tenths.length
  expect(Math.abs(mean - (0.2 * 5 + 0.8 * 0.5 * 1.5))).toBeLessThan(0.05)
  expect(new Set(others.map((policy) => JSON.stringify(policy))).size).toBe(others.length)
})

test('the worst quarter continues from the best quarter, with mutated policies', () => {
  const members = Array.from({ length: 16 }, (_, i) => ({
    policy: drawPopulationPolicy(createRandom(i)),
    score: (i * 7) % 16,
  }))
  const heirs = nextGeneration(members, createRandom(5))
  const best = [...members.keys()].filter((i) => members[i]!.score >= 12)
  for (const [i, { policy, from }] of heirs.entries())
    if (members[i]!.score < 4) {
      expect(best).toContain(from)
      expect(policy).not.toEqual(members[from]!.policy)
    } else expect({ policy, from }).toEqual({ policy: members[i]!.policy, from: i })
  expect(nextGeneration(members, createRandom(5))).toEqual(heirs)
  expect(nextGeneration(members, createRandom(6))).not.toEqual(heirs)
})

test('candidates of density matching are policies that autoAugment takes', () => {
  const configuration = proposeConfiguration(densitySpace(), [], createRandom(1))
  const policy = policyOf(configuration)
  expect(policy).toHaveLength(5)
  expect(policy.every((steps) => steps.length === 2)).toBe(true)
  expect(() => autoAugment({ policy })).not.toThrow()
  expect(() => autoAugment({ policy: randomPolicy(createRandom(1)) })).not.toThrow()
  expect(randomPolicy(createRandom(1))).toHaveLength(25)
})

test('merging drops equal sub-policies, and those that use an operation twice', () => {
  const [rotate, invert] = [['Rotate', 0.5, 3] as const, ['Invert', 0.2, null] as const]
  expect(
    mergePolicies([
      [
        [rotate, ['Rotate', 1, 9]],
        [invert, rotate],
      ],
      [[invert, rotate]],
    ]),
  ).toEqual([[invert, rotate]])
})

test('the picture of a schedule', () => {
  const svg = pictureOf([
    { until: 0.5, policy: [['Rotate', 10, 9]] },
    { until: 1, policy: [] },
  ])
  expect(svg.match(/<rect x=/g)).toHaveLength(1)
  expect(svg).toContain('rgba(26, 127, 90, 1.00)')
  for (const op of populationOperations) expect(svg).toContain(`>${op}</text>`)
})

test('the picture of a policy', () => {
  const svg = pictureOfPolicy([
    [
      ['Rotate', 0.5, 9],
      ['Invert', 1, null],
    ],
    [
      ['Rotate', 0.5, 9],
      ['SamplePairing', 0.4, 1],
    ],
  ])
  // Equal strengths are one circle.
  expect(svg.match(/<circle /g)).toHaveLength(3)
  for (const op of [...populationOperations, 'SamplePairing'])
    expect(svg).toContain(`>${op}</text>`)
})
