import { checkpointFolder } from '@tricks/run'
import type { Checkpoint } from '@tricks/train'

/**
 * The newest whole checkpoint among those that the attempts at a trial left, and the folder it is in. Damaged ones are
 * passed over: with none that is whole the trial starts at its beginning.
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
