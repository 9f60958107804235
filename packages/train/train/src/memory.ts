/** The messages of backends that run out of memory: wasm, TensorFlow, WebGPU, WebGL, and JavaScript itself. */
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
 * Runs `work`; adds advice to an error caused by lack of memory.
 *
 * @param doing a description such as 'a step of 512 images'
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
      `train: the device ran out of memory for ${doing}: ${advice}.\n${text.split('\n', 2).join(' ')}`,
      { cause: error },
    )
    explained.name = 'OutOfMemoryError'
    throw explained
  }
}

/** Advice to find a batch size that fits by halving, and to keep the requested one. */
export const trainingAdvice = (batchSize: number): string =>
  batchSize === 1
    ? 'not even one image fits, so use a smaller model or smaller images'
    : `halve batchSize until it fits. To keep ${batchSize}, split each batch into such parts (smaller ones if ` +
      `you already do) with gradientAccumulation({ microBatch: ${Math.ceil(batchSize / 2)} }) of ` +
      '@tricks/gradient-accumulation'
