const inUse = new WeakSet<object>()

/**
 * Reserves objects for one run: two runs at a time would mix weights, slots and rates.
 *
 * @returns a function that releases them
 * @throws Error naming an object that another run uses
 */
export function takeExclusively(parts: Readonly<Record<string, object>>): () => void {
  for (const [name, part] of Object.entries(parts))
    if (inUse.has(part))
      throw new Error(
        `train: expected ${name} to be unused, got one that another run is using. Await that run, abort it by its ` +
          `signal, or create another ${name}.`,
      )
  const taken = Object.values(parts).filter((part) => typeof part === 'object')
  for (const part of taken) inUse.add(part)
  return () => {
    for (const part of taken) inUse.delete(part)
  }
}
