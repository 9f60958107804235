/** Where features are kept: in memory, or in files that outlive the process. */
export interface FeatureStore {
  /** The values stored under that name; undefined if missing or damaged. */
  read(name: string): Float32Array | undefined
  /** Stores values under a name, atomically. */
  write(name: string, values: Float32Array): void
}

/**
 * Creates a store that keeps features in memory.
 *
 * @example
 * const store = memoryStore()
 * store.write('a', Float32Array.of(1, 2))
 * store.read('a') // [1, 2]
 */
export function memoryStore(): FeatureStore {
  const kept = new Map<string, Float32Array>()
  return {
    read: (name) => kept.get(name),
    write: (name, values) => void kept.set(name, values),
  }
}
