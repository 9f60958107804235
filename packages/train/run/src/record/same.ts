import { createHash } from 'node:crypto'
import type { ImageSet } from '@tricks/train'
import type { RunFacts } from './schema.ts'

/** The properties that must match when a run is resumed, with their names in messages. */
const facts = {
  data: 'data',
  classes: 'classes',
  pipeline: 'tricks',
  backend: 'backend',
  versions: 'versions',
} as const

/**
 * Checks that a resumed run has the same configuration, above all the same data, of which a checkpoint has only the
 * statistics.
 *
 * @throws Error with the difference
 */
export function checkSame(path: string, then: RunFacts, now: RunFacts): void {
  for (const [fact, name] of Object.entries(facts)) {
    const [saved, here] = [then[fact], now[fact]].map((value) => JSON.stringify(value))
    if (saved !== here)
      throw new Error(
        `${path} can't be resumed: ${name} changed since the run began\n  before ${saved}\n  now    ${here}`,
      )
  }
}

/** Bytes read at once, as the pixels may be in a file. */
const chunk = 16 * 2 ** 20

/** A checksum of images and labels. */
export function hashOf(...sets: readonly ImageSet[]): string {
  const hash = createHash('sha256')
  for (const { images, labels, larger } of sets) {
    for (const pixels of larger ? [images, larger.images] : [images])
      for (let from = 0; from < pixels.length; from += chunk)
        hash.update(pixels.subarray(from, Math.min(from + chunk, pixels.length)))
    hash.update(Int32Array.from(labels))
  }
  return hash.digest('hex')
}
