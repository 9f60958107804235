import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pixels } from '@tricks/train'

export interface PixelStore {
  write(at: number, pixels: Uint8Array): void
  /** What was written, up to that length. */
  pixels(length: number): Pixels
}

/** Frees a file's room once nobody has its pixels any more. */
const unused = new FinalizationRegistry(closeSync)

/** Pixels in a temporary file, for more than fits in memory: each batch reads its own. */
export function pixelFile(): PixelStore {
  const path = join(tmpdir(), `image-folder-${crypto.randomUUID()}`)
  const file = openSync(path, 'wx+')
  // Open, it lives on without a name, and ends with the process, however that ends.
  rmSync(path)
  return {
    write(at, pixels) {
      try {
        for (let done = 0; done < pixels.length;)
          done += writeSync(file, pixels, done, pixels.length - done, at + done)
      } catch (error) {
        throw new Error(
          `image-folder: ${tmpdir()} can't take the pixels (${(error as Error).message}): ` +
            'free room there, or set TMPDIR to a larger disk',
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
