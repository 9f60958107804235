import { availableParallelism } from 'node:os'
import { readPicture } from './picture.ts'

/** Number of pictures decoded concurrently. More would only take memory: a large picture takes a hundred megabytes. */
const atOnce = availableParallelism() * 2

/**
 * Reads items in order, a few at a time: the next ones are read while the caller works on one. `read` does not throw.
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const ahead: Promise<R>[] = []
  for (const index of items.keys()) {
    for (let next = index + ahead.length; next < Math.min(index + atOnce, items.length); next++)
      ahead.push(read(items[next]!))
    yield await ahead.shift()!
  }
}

/**
 * Reads pictures as `readPicture` does, in order: the next ones are decoded in threads while the caller works on one,
 * two per processor, so that memory stays limited for any number of files.
 *
 * @returns for each file the bytes, or one line saying what is wrong with it
 * @example
 * const files = ['pictures/cat/1.jpg', 'pictures/dog/1.jpg']
 * for await (const pixels of readPictures(files, 64, 64)) console.log(pixels.length)
 */
export const readPictures = (
  files: readonly string[],
  height: number,
  width: number,
): AsyncGenerator<Uint8Array | string, void, undefined> =>
  readAhead(files, (file) => readPicture(file, height, width))
