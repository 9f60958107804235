import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pixels } from '@tricks/train'

export interface PixelStore {
  write(at: number, pixels: Uint8Array): void
  /** What was written, up to that length. */
  pixels(length: number): Pixels
}

/** Pixels in a temporary file, for more than fits in memory: each batch reads its own. Gone with the process. */
export async function pixelFile(): Promise<PixelStore> {
  const folder = await mkdtemp(join(tmpdir(), 'image-folder-'))
  const file = openSync(join(folder, 'pixels'), 'w+')
  process.once('exit', () => {
    closeSync(file)
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    write(at, pixels) {
      const written = writeSync(file, pixels, 0, pixels.length, at)
      if (written !== pixels.length)
        throw new Error(
          `image-folder: ${folder} is full: free room there, or set TMPDIR to a larger disk`,
        )
    },
    pixels: (length) => ({
      length,
      subarray(from, to) {
        const pixels = new Uint8Array(to - from)
        readSync(file, pixels, 0, pixels.length, from)
        return pixels
      },
    }),
  }
}
