import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Checkpoint } from '@tricks/train'
import { replaceFile } from '../files/replace.ts'
import { decode, encode } from './codec.ts'

export interface CheckpointFolder {
  /** For `train`'s `checkpoint.save`: writes a checkpoint, keeps the best one separately, and removes old ones. */
  save(checkpoint: Checkpoint, best: boolean): void
  /**
   * The newest intact checkpoint, with newer damaged ones and the reasons; undefined if there are none.
   *
   * @throws Error if there are checkpoints but none is intact
   */
  latest(): Found | undefined
}

export interface Found {
  readonly checkpoint: Checkpoint
  readonly file: string
  readonly skipped: readonly { readonly file: string; readonly reason: string }[]
}

/**
 * Keeps checkpoints in a folder: the last few as `step-000000123.safetensors`, and `best.safetensors`.
 *
 * Each file is written under a temporary name, flushed and renamed, so that it is either complete or absent, even after
 * a crash. A checksum detects files that were truncated or altered later; the previous one is used then.
 *
 * @param path created if missing
 * @param options.keep number of recent checkpoints to keep, a positive integer; default 3
 * @throws Error if the folder can't be created
 * @example
 * const folder = checkpointFolder('runs/1/checkpoints')
 * await train({ ...options, checkpoint: folder, resume: folder.latest()?.checkpoint })
 */
export function checkpointFolder(
  path: string,
  { keep = 3 }: { readonly keep?: number } = {},
): CheckpointFolder {
  if (!Number.isInteger(keep) || keep < 1)
    throw new RangeError(`checkpoint: expected keep to be a positive integer, got ${keep}`)
  mkdirSync(path, { recursive: true })
  const stored = (): string[] =>
    readdirSync(path)
      .filter((name) => /^step-\d{9}\.safetensors$/.test(name))
      .toSorted()
      .toReversed()
  return {
    save(checkpoint, best) {
      const bytes = encode(checkpoint)
      write(join(path, `step-${String(checkpoint.step).padStart(9, '0')}.safetensors`), bytes)
      if (best) write(join(path, 'best.safetensors'), bytes)
      for (const name of stored().slice(keep)) rmSync(join(path, name))
    },
    latest() {
      const skipped: { file: string; reason: string }[] = []
      for (const name of stored()) {
        const file = join(path, name)
        try {
          return { checkpoint: decode(readFileSync(file)), file, skipped }
        } catch (error) {
          skipped.push({ file, reason: (error as Error).message })
        }
      }
      if (skipped.length > 0)
        throw new Error(
          `checkpoint: all in ${path} are damaged\n${skipped.map(({ file, reason }) => `  ${basename(file)}: ${reason}`).join('\n')}`,
        )
      return undefined
    },
  }
}

function write(path: string, bytes: Uint8Array): void {
  try {
    replaceFile(path, bytes)
  } catch (error) {
    throw new Error(
      `checkpoint: ${path} can't be written (${(error as Error).message}); earlier checkpoints are intact`,
      { cause: error },
    )
  }
}
