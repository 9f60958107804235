// The installed packages that can be repaired.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { commandLine, versions } from '../installation.ts'

/** An installed @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu. */
export interface Target {
  readonly name: string
  readonly folder: string
  /** The package's own folder for its addon, which a repair creates; absent after `npm install --ignore-scripts`. */
  readonly lib: string
  /** Where a repair moves an addon that is already there. */
  readonly original: string
}

/** With the GPU package first: a project that has both imports one of them, rarely the other. */
const names = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const

/** Where tfjs-node looks for its addon: a file, or a folder with an index.js. */
export const addonPath = 'napi-v8/tfjs_binding.node'

export interface Record {
  /** The name of the installation's folder. */
  readonly installation: string
}

/** What a repair has recorded about itself, or undefined. */
export function readRecord({ lib }: Target): Record | undefined {
  const file = join(lib, recordFile)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record) : undefined
}

/** Whether a package is repaired, or a repair was interrupted after moving the package's own addon. */
export const canUndo = (target: Target): boolean =>
  readRecord(target) !== undefined || (!existsSync(target.lib) && existsSync(target.original))

export const recordFile = 'tricks-native.json'

/**
 * Finds the packages that a project's programs would import.
 *
 * @param project a folder
 * @throws Error if there is none, or one has another version
 */
export function findTargets(project: string): Target[] {
  const root = resolve(project)
  const require = createRequire(join(root, 'package.json'))
  const found = names.flatMap((name) => {
    try {
      const file = require.resolve(`${name}/package.json`)
      const { version } = require(file) as { version: string }
      return [{ name, version, folder: dirname(file) }]
    } catch {
      return []
    }
  })
  const [first] = found
  const command = (name: string) => `npm install --ignore-scripts ${name}@${versions.tfjsNode}`
  if (!first)
    throw new Error(
      `native: expected ${names.join(' or ')} to be installed in ${root}, found neither\n` +
        `${command(names[0])}\nAnother project: ${commandLine('repair FOLDER')}`,
    )
  for (const { name, version, folder } of found)
    if (version !== versions.tfjsNode)
      throw new Error(
        `native: expected ${name} to be ${versions.tfjsNode}, got ${version} in ${folder}\n` +
          command(name),
      )
  return found.map(({ name, folder }) => {
    const lib = join(folder, 'lib')
    return { name, folder, lib, original: `${lib}.original` }
  })
}
