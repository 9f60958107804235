import * as tf from '@tensorflow/tfjs-core'
import type { Trick } from '@tricks/core'
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest'
import { backends, type ConformanceOptions, laws, subjectOf, useBackend } from './check.ts'
import { comparisons } from './fixture.ts'

/**
 * Tests a trick against the laws on every registered backend.
 *
 * @param make creates the trick, a new one each time
 * @example
 * import type { FlipParams } from '@tricks/random-flip'
 * conformance(() => randomFlip(), {
 *   invalid: [() => randomFlip({ probability: 2 })],
 *   distribution: (draws: readonly FlipParams[]) =>
 *     expectFrequencies({ flips: draws.flatMap(({ flips }) => flips) }, { true: 0.5, false: 0.5 }),
 * })
 */
export function conformance(make: () => Trick, options: ConformanceOptions = {}): void {
  const subject = subjectOf(make, options)
  describe(`${subject.name} obeys the laws`, () => {
    onEachBackend(() => {
      for (const { number, title, applies, check } of laws) {
        if (applies(subject)) test(`${number}: ${title}`, () => check(subject))
      }
    }, options)
  })
}

/**
 * Runs tests, such as comparisons with a reference, on every registered backend.
 *
 * @param tests registers the tests; called once per backend, which is active when they run
 * @param options `without`: backends to skip, each with the reason to print
 * @example
 * import { test } from 'vitest'
 * onEachBackend(() => {
 *   test('a sum', () => expectClose(tf.add(fromFixture(one), 1), fromFixture(two)))
 * })
 */
export function onEachBackend(
  tests: (backend: string) => void,
  { without = {} }: Pick<ConformanceOptions, 'without'> = {},
): void {
  for (const backend of backends()) {
    const reason = without[backend]
    if (reason !== undefined) {
      test.skip(`skipped on ${backend}: ${reason}`)
      continue
    }
    describe(`on ${backend}`, () => {
      let before: string | undefined
      beforeAll(async () => {
        before = tf.getBackend()
        await useBackend(backend)
      })
      afterEach(comparisons)
      afterAll(async () => {
        if (before) await useBackend(before)
      })
      tests(backend)
    })
  }
}
