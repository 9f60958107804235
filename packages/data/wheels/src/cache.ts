import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder for a package's downloads, shared by all projects of this user: the environment's `TRICKS_NAME_CACHE`, or
 * `tricks-name` in the system's cache folder.
 *
 * @param name name of the package, such as `native`
 * @example
 * cacheFolder('native') // such as /home/me/.cache/tricks-native
 */
export function cacheFolder(name: string): string {
  const chosen = process.env[`TRICKS_${name.toUpperCase()}_CACHE`]
  if (chosen) return chosen
  const { XDG_CACHE_HOME } = process.env
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, `tricks-${name}`)
  const home = process.platform === 'darwin' ? 'Library/Caches' : '.cache'
  return join(homedir(), home, `tricks-${name}`)
}
