import * as tf from '@tensorflow/tfjs-core'
import type { Trick } from '@tricks/core'
import { type ConformanceOptions, messageOf, type Subject } from './law.ts'
import { laws } from './laws/index.ts'
export type { ConformanceOptions, Law, Subject } from './law.ts'
export { laws }

export interface Breach {
  readonly law: number
  readonly title: string
  readonly backend: string
  /** The smallest case that breaks the law, what was expected, and how to fix it. */
  readonly message: string
}

/** The names of the registered backends. */
export const backends = (): string[] => Object.keys(tf.engine().registryFactory)

/** Activates a backend and waits until it is ready. */
export async function useBackend(name: string): Promise<void> {
  if (!(await tf.setBackend(name)))
    throw new Error(`conformance: the backend '${name}' can't start`)
}

export const subjectOf = (make: () => Trick, options: ConformanceOptions): Subject => ({
  name: make().name,
  make,
  options,
})

/**
 * Returns the laws that a trick breaks, on each registered backend: the checks of `conformance`, without a test runner.
 *
 * @param make creates the trick, a new one each time
 * @throws Error if a backend can't start
 * @example
 * const breaches = await checkTrick(() => labelSmoothing({ epsilon: 0.1 }))
 */
export async function checkTrick(
  make: () => Trick,
  options: ConformanceOptions = {},
): Promise<readonly Breach[]> {
  const before = tf.getBackend()
  const subject = subjectOf(make, options)
  const breaches: Breach[] = []
  for (const backend of backends().filter((name) => !options.without?.[name])) {
    await useBackend(backend)
    for (const { number, title, applies, check } of laws)
      if (applies(subject))
        await check(subject).catch((error: unknown) => {
          breaches.push({ law: number, title, backend, message: messageOf(error) })
        })
  }
  if (before) await useBackend(before)
  return breaches
}
