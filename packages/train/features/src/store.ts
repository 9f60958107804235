/** Where features are kept: in memory, or in files that outlive the process. */
export interface FeatureStore {
  /** What was kept under that name; undefined if nothing was, or if it is damaged. */
  read(name: string): Float32Array | undefined
  /** Keeps values under a name, whole or not at all. */
  write(name: string, values: Float32Array): void
}

/**
 * Keeps features in memory.
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
