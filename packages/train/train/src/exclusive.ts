const inUse = new WeakSet<object>()

/**
 * Takes what a run changes for this run alone: two at a time would mix each other's weights, slots and rates.
 *
 * @returns gives it back
 * @throws Error naming what another run has
 */
export function takeExclusively(parts: Readonly<Record<string, object>>): () => void {
  for (const [name, part] of Object.entries(parts))
    if (inUse.has(part))
      throw new Error(
        `train: expected ${name} to be free, got one that another run is using. Await that run, or end it by its ` +
          `signal, or make another ${name}.`,
      )
  const taken = Object.values(parts).filter((part) => typeof part === 'object')
  for (const part of taken) inUse.add(part)
  return () => {
    for (const part of taken) inUse.delete(part)
  }
}
