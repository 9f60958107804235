/** How backends say that a tensor found no room: wasm, tensorflow, webgpu, webgl, and JavaScript itself. */
const signs = [
  /out of memory/i,
  /\bOOM\b/,
  /resource.?exhausted/i,
  /allocation fail/i,
  /failed to allocate/i,
  /memory access out of bounds/,
  /invalid (typed )?array (buffer )?length/i,
  /greater than WebGL maximum/,
  /exceeds the (max|limit)/i,
]

/**
 * Does the work; an error whose cause is the device's memory says so, and what to do.
 *
 * @param doing 'a step of 512 images'
 */
export async function withRoom<T>(
  doing: string,
  advice: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (!signs.some((sign) => sign.test(text))) throw error
    const explained = new Error(
      `train: the device has no room for ${doing}: ${advice}.\n${text.split('\n', 2).join(' ')}`,
      { cause: error },
    )
    explained.name = 'OutOfMemoryError'
    throw explained
  }
}

/** Finds the batch that fits by halving, and keeps the one that was wanted. */
export const trainingAdvice = (batchSize: number): string =>
  batchSize === 1
    ? 'one image does not fit, so take a smaller model or smaller images'
    : `halve batchSize until it fits. To keep ${batchSize}, pass each batch in such parts (in smaller ones, where ` +
      `it is done already) by gradientAccumulation({ microBatch: ${Math.ceil(batchSize / 2)} }) of ` +
      '@tricks/gradient-accumulation'
