import { createRandom } from '@tricks/core'
import { expect, test } from 'vitest'
import { type Space, drawConfiguration } from '../src/index.ts'
import { checkSpace } from '../src/space.ts'

const rejected: Readonly<Record<string, [Space, string]>> = {
  'no parameters': [{}, 'expected a space to be at least one parameter, got "none"'],
  'an empty range': [{ x: { min: 1, max: 1 } }, 'expected x to be a range with finite min < max'],
  'an infinite range': [{ x: { min: 0, max: Infinity } }, 'a range with finite min < max'],
  'a logarithm of 0': [{ x: { min: 0, max: 1, scale: 'log' } }, 'above 0 on a logarithmic scale'],
  'a step that does not divide the range': [
    { x: { min: 0, max: 1, step: 0.3 } },
    'that its step divides',
  ],
  'a step of 0': [{ x: { min: 0, max: 1, step: 0 } }, 'a range that its step divides'],
  'a step below 0 on a logarithmic scale': [
    { x: { min: 1, max: 9, step: 4, scale: 'log' } },
    'above half a step on a logarithmic scale, got 1',
  ],
  'no choices': [{ x: { choices: [] } }, 'a list of different choices, got []'],
  'a duplicate choice': [{ x: { choices: ['a', 'a'] } }, 'a list of different choices'],
  'a condition on a later parameter': [
    { x: { min: 0, max: 1, when: { parameter: 'y', is: ['a'] } }, y: { choices: ['a', 'b'] } },
    "expected x's condition to be a value of a choice declared before it",
  ],
  'a condition that never holds': [
    { y: { choices: ['a', 'b'] }, x: { min: 0, max: 1, when: { parameter: 'y', is: ['c'] } } },
    "x's condition",
  ],
}

test.each(Object.entries(rejected))('rejects %s', (_, [space, message]) => {
  expect(() => checkSpace(space)).toThrow(message)
})

test('draws uniformly on the scale of each parameter', () => {
  const space = {
    log: { min: 1e-4, max: 1, scale: 'log' },
    linear: { min: -1, max: 3 },
    integer: { min: 2, max: 4, step: 1 },
  } satisfies Space
  const random = createRandom(7)
  const draws = Array.from({ length: 6000 }, (_, i) => drawConfiguration(space, random.at(i)))
  const share = (holds: (draw: Record<string, number>) => boolean): number =>
    draws.filter((draw) => holds(draw as Record<string, number>)).length / draws.length
  expect(share(({ log }) => log! < 1e-2)).toBeCloseTo(0.5, 1)
  expect(share(({ linear }) => linear! < 0)).toBeCloseTo(0.25, 1)
  for (const value of [2, 3, 4])
    expect(share(({ integer }) => integer === value)).toBeCloseTo(1 / 3, 1)
})
