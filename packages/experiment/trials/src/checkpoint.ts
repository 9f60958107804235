import { checkpointFolder } from '@tricks/run'
import type { Checkpoint } from '@tricks/train'

/**
 * The newest intact checkpoint among those of a trial's attempts, and its folder. Damaged ones are skipped; without an
 * intact one the trial starts from the beginning.
 *
 * @example
 * const earlier = newestCheckpoint(['storage/trials/t-1/2-5e0c7a1b', 'storage/trials/t-1/1-9b1d0c2e'])
 */
export function newestCheckpoint(
  folders: readonly string[],
): { readonly checkpoint: Checkpoint; readonly folder: string } | undefined {
  return folders
    .flatMap((folder) => {
      try {
        const found = checkpointFolder(folder).latest()
        return found ? [{ checkpoint: found.checkpoint, folder }] : []
      } catch {
        return []
      }
    })
    .toSorted((a, b) => b.checkpoint.step - a.checkpoint.step)[0]
}
