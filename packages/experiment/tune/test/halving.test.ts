import { describe, expect, test } from 'vitest'
import { type Issued, nextRung, rungBudgets } from '../src/index.ts'

test.each([
  [{ smallest: 2, largest: 40, factor: 3 }, [2, 6, 18, 40]],
  [{ smallest: 1, largest: 9, factor: 3 }, [1, 3, 9]],
  [{ smallest: 5, largest: 5, factor: 2 }, [5]],
])('the budgets of %o', (given, budgets) => {
  expect(rungBudgets(given)).toEqual(budgets)
})

test.each([
  [{ smallest: 0, largest: 9, factor: 3 }, 'expected 0 < smallest ≤ largest, got 0 and 9'],
  [{ smallest: 10, largest: 9, factor: 3 }, 'expected 0 < smallest ≤ largest, got 10 and 9'],
  [{ smallest: 1, largest: 9, factor: 1 }, 'expected factor to be at least 2, got 1'],
])('rejects the budgets of %o', (given, message) => {
  expect(() => rungBudgets(given)).toThrow(message)
})

const rung = (candidate: number, of: number, score?: number | null): Issued => ({
  candidate,
  rung: of,
  ...(score !== undefined && { score }),
})

describe('the next training', () => {
  test.each([
    ['starts with the first candidate', [], { candidate: 0, rung: 0 }],
    [
      'adds candidates while too few are done',
      [rung(0, 0, 1), rung(1, 0, 2)],
      { candidate: 2, rung: 0 },
    ],
    [
      'promotes the best third',
      [rung(0, 0, 1), rung(1, 0, 3), rung(2, 0, 2)],
      { candidate: 1, rung: 1 },
    ],
    [
      'promotes each once',
      [rung(0, 0, 1), rung(1, 0, 3), rung(2, 0, 2), rung(1, 1)],
      { candidate: 3, rung: 0 },
    ],
    [
      'does not wait for running candidates',
      [rung(0, 0), rung(1, 0, 3), rung(2, 0, 2), rung(3, 0, 1)],
      { candidate: 1, rung: 1 },
    ],
    [
      'does not promote failed candidates',
      [rung(0, 0, null), rung(1, 0, null), rung(2, 0, 2)],
      { candidate: 3, rung: 0 },
    ],
    [
      'prefers the highest rung',
      [
        ...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((score, i) => rung(i, 0, score)),
        ...[0, 1, 2].map((i) => rung(i, 1, i)),
      ],
      { candidate: 2, rung: 2 },
    ],
  ] as [string, Issued[], object][])('%s', (_, issued, expected) => {
    expect(nextRung(issued, 3)).toEqual(expected)
  })

  test('trains a ninth of the candidates to the end', () => {
    const issued: Issued[] = []
    for (let i = 0; i < 400; i++) {
      const next = nextRung(issued, 3)
      issued.push({ ...next, score: (next.candidate * 37) % 101 })
    }
    const count = (of: number): number => issued.filter((each) => each.rung === of).length
    // Slightly more, as a candidate may be overtaken after its promotion.
    for (const of of [1, 2]) {
      expect(count(of)).toBeGreaterThanOrEqual(Math.floor(count(of - 1) / 3))
      expect(count(of)).toBeLessThan(0.4 * count(of - 1))
    }
  })
})
