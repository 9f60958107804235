import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pixels } from '@tricks/train'

export interface PixelStore {
  write(at: number, pixels: Uint8Array): void
  /** The first `length` bytes that were written. */
  pixels(length: number): Pixels
}

/** Closes a file once its pixels are garbage-collected. */
const unused = new FinalizationRegistry(closeSync)

/** Keeps pixels in a temporary file, for sets that exceed memory; each batch reads its own. */
export function pixelFile(): PixelStore {
  const path = join(tmpdir(), `image-folder-${crypto.randomUUID()}`)
  const file = openSync(path, 'wx+')
  // The open file continues to exist without a name, and is freed when the process ends, even if it is killed.
  rmSync(path)
  return {
    write(at, pixels) {
      try {
        for (let done = 0; done < pixels.length;)
          done += writeSync(file, pixels, done, pixels.length - done, at + done)
      } catch (error) {
        throw new Error(
          `image-folder: ${tmpdir()} can't store the pixels (${(error as Error).message}): ` +
            'free space there, or set TMPDIR to a larger disk',
          { cause: error },
        )
      }
    },
    pixels(length) {
      const pixels: Pixels = {
        length,
        subarray(from, to) {
          const part = new Uint8Array(Math.min(to, length) - from)
          for (let done = 0; done < part.length;)
            done += readSync(file, part, done, part.length - done, from + done)
          return part
        },
      }
      unused.register(pixels, file)
      return pixels
    },
  }
}
