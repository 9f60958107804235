// Reads the user's pip settings, so that a company's mirror is used as by pip.
import { existsSync, readFileSync } from 'node:fs'
import { devNull, homedir } from 'node:os'
import { join } from 'node:path'

/** The index, and limits for requests. */
export interface PipSettings {
  /** The index's simple API, with a slash at its end. */
  readonly index: string
  /** Timeout without data, in seconds. */
  readonly timeout: number
  /** Maximum number of retries after an interruption. */
  readonly retries: number
}

const defaults = { 'index-url': 'https://pypi.org/simple', timeout: '15', retries: '5' }
type Key = keyof typeof defaults

/**
 * Reads pip's settings: its configuration files, in order of precedence, then the environment.
 *
 * @example
 * const { index, timeout, retries } = pipSettings()
 * @see https://pip.pypa.io/en/stable/topics/configuration/
 */
export function pipSettings(): PipSettings {
  const found: Record<Key, string> = { ...defaults }
  for (const file of configurationFiles()) Object.assign(found, read(file))
  for (const key of Object.keys(defaults) as Key[])
    for (const name of [key, ...(key === 'timeout' ? ['default-timeout'] : [])]) {
      const value = process.env[`PIP_${name.toUpperCase().replaceAll('-', '_')}`]
      if (value) found[key] = value
    }
  return {
    index: `${found['index-url'].replace(/\/+$/, '')}/`,
    timeout: Number(found.timeout),
    retries: Number(found.retries),
  }
}

function configurationFiles(): string[] {
  const { PIP_CONFIG_FILE: named, XDG_CONFIG_DIRS, XDG_CONFIG_HOME, VIRTUAL_ENV } = process.env
  if (named === devNull) return []
  const home = homedir()
  const mac = process.platform === 'darwin'
  const global = mac
    ? ['/Library/Application Support/pip/pip.conf']
    : [
        ...(XDG_CONFIG_DIRS ?? '/etc/xdg').split(':').map((folder) => join(folder, 'pip/pip.conf')),
        '/etc/pip.conf',
      ]
  const user = [
    join(home, '.pip/pip.conf'),
    join(
      mac ? join(home, 'Library/Application Support') : (XDG_CONFIG_HOME ?? join(home, '.config')),
      'pip/pip.conf',
    ),
  ]
  return [
    ...global,
    ...(named && existsSync(named) ? [] : user),
    ...(VIRTUAL_ENV ? [join(VIRTUAL_ENV, 'pip.conf')] : []),
    ...(named ? [named] : []),
  ].filter((file) => existsSync(file))
}

/** The settings of `[global]` and, before them, those of `[install]`. */
function read(file: string): Partial<Record<Key, string>> {
  const sections: Record<string, Partial<Record<Key, string>>> = { global: {}, install: {} }
  let section = ''
  for (const line of readFileSync(file, 'utf8').split(/\r?\n/)) {
    const heading = /^\[(.+)\]\s*$/.exec(line)
    if (heading) section = heading[1]!
    const [, key, value] = /^([\w-]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    const name =
      key?.replaceAll('_', '-') === 'default-timeout' ? 'timeout' : key?.replaceAll('_', '-')
    if (name && name in defaults && value) (sections[section] ?? {})[name as Key] = value
  }
  return { ...sections['global'], ...sections['install'] }
}
