import { execFileSync } from 'node:child_process'

/**
 * The git commit of a folder, with `-dirty` if tracked files were changed; undefined outside a repository or without
 * git.
 */
export function revisionOf(folder: string = import.meta.dirname): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', folder, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const commit = git('rev-parse', 'HEAD')
    return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}-dirty`
  } catch {
    return undefined
  }
}
