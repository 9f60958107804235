// Writes the list of packages in the repository's README from their manifests.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tableOf } from './table.ts'

const root = join(import.meta.dirname, '../..')

interface Listed {
  readonly folder: string
  readonly description: string
  readonly version: string
  /** Of a trick: its stage, and the names of its tricks if they differ from the package's. */
  readonly tricks?: { readonly stage: string; readonly names?: readonly string[] }
}

/** What stands in a package's `package.json`, for all packages. */
export const packages: readonly Listed[] = globSync(
  ['packages/core/package.json', 'packages/*/*/package.json'],
  { cwd: root },
).map((path) => ({
  ...(JSON.parse(readFileSync(join(root, path), 'utf8')) as Omit<Listed, 'folder'>),
  folder: dirname(path),
}))

/** Folders in the order of a step, and what they are called. */
const rooms: Readonly<Record<string, string>> = {
  augment: 'images',
  mix: 'mix',
  loss: 'targets and loss',
  schedule: 'rate',
  optimize: 'update',
  evaluate: 'evaluation',
  model: 'model',
  core: 'compose',
  train: 'train',
  experiment: 'experiment',
  data: 'data',
  backend: 'backends',
  tools: 'tools',
}

/**
 * The README with a row per package between its marks. A trick that isn't released yet (0.0.0) has none: the release
 * adds it, so that a new trick touches its own folder only.
 *
 * @throws Error for a folder of packages without a name here
 */
export function readmeWith(readme: string, listed: readonly Listed[]): string {
  const names = Object.keys(rooms)
  const unknown = listed.find(({ folder }) => !names.includes(roomOf(folder)))
  if (unknown) throw new Error(`expected ${roomOf(unknown.folder)} among the rooms in packages.ts`)
  const rows = names.flatMap((room) =>
    listed
      .filter(
        ({ folder, tricks, version }) =>
          roomOf(folder) === room && !(tricks && version === '0.0.0'),
      )
      .toSorted((a, b) => a.folder.localeCompare(b.folder))
      .map(({ folder, description }, i) => [
        i === 0 ? rooms[room]! : '',
        `[${folder.split('/').at(-1)}](${folder}/README.md)`,
        description,
        `[src](${folder}/src/index.ts)`,
      ]),
  )
  const table = tableOf([['stage', 'package', 'what it does', 'code'], ...rows])
  return readme.replace(
    /<!-- packages -->[^]*<!-- \/packages -->/,
    () => `<!-- packages -->\n\n${table}\n\n<!-- /packages -->`,
  )
}

const roomOf = (folder: string): string => folder.split('/')[1]!
