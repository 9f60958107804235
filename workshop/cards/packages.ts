// The lists of packages: the tricks in the repository's README, with what each was measured to do, and all packages in
// docs/packages.md. Written from the manifests and the ablation's summary.
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { effectText, type Summary } from '@tricks/ablation'
import { ablations, enough } from './ablations.ts'
import { between, tableOf } from './table.ts'

const root = join(import.meta.dirname, '../..')

export interface Listed {
  readonly folder: string
  readonly description: string
  readonly version: string
  /** For a trick: its stage, its names if they differ from the package's, and its names in bench/ablation. */
  readonly tricks?: {
    readonly stage: string
    readonly names?: readonly string[]
    readonly measured?: readonly string[]
  }
}

/** The metadata of all packages, from their `package.json`. */
export const packages: readonly Listed[] = globSync(
  ['packages/core/package.json', 'packages/*/*/package.json'],
  { cwd: root },
)
  .map((path) => ({
    ...(JSON.parse(readFileSync(join(root, path), 'utf8')) as Omit<Listed, 'folder'>),
    folder: dirname(path),
  }))
  .toSorted((a, b) => a.folder.localeCompare(b.folder))

/** What the repository's ablations measured. */
export const measured: readonly Summary[] = ablations.flatMap(({ summaries }) => summaries)

/** Folders in the order of a step, and their titles. */
const stages: Readonly<Record<string, string>> = {
  augment: 'images',
  mix: 'mix',
  loss: 'targets and loss',
  schedule: 'learning rate',
  optimize: 'update',
  evaluate: 'evaluation',
  model: 'model',
  core: 'core',
  train: 'training',
  experiment: 'experiments',
  data: 'data',
  backend: 'backends',
  tools: 'tools',
}

type Row = readonly string[]

/** A table with the stage's title in the first row of each stage. */
function byStage(listed: readonly Listed[], heads: Row, rowOf: (each: Listed) => Row): string {
  const folders = Object.keys(stages)
  const unknown = listed.find(({ folder }) => !folders.includes(stageOf(folder)))
  if (unknown)
    throw new Error(`expected ${stageOf(unknown.folder)} to be one of the stages in packages.ts`)
  const rows = folders.flatMap((stage) =>
    listed
      .filter(({ folder }) => stageOf(folder) === stage)
      .map((each, i) => [i === 0 ? stages[stage]! : '', ...rowOf(each)]),
  )
  return tableOf([['stage', ...heads], ...rows])
}

const stageOf = (folder: string): string => folder.split('/')[1]!

/** A trick that isn't released yet (0.0.0) has no row: the release adds it, so that a new trick changes its own folder only. */
const isReleased = ({ version, tricks }: Listed): boolean => !(tricks && version === '0.0.0')

/**
 * The README with a row per released trick between its marks.
 *
 * @throws Error for a folder of packages without a title here
 */
export function readmeWith(
  readme: string,
  listed: readonly Listed[],
  summaries: readonly Summary[],
): string {
  const tricks = listed.filter((each) => each.tricks && isReleased(each))
  const table = byStage(tricks, ['trick', 'what it does', 'effect, points'], (each) => [
    `[${basename(each.folder)}](${each.folder}/README.md)`,
    withoutName(each.description),
    effects(each, summaries),
  ])
  return between('tricks', readme, table)
}

/** The page with a row per released package between its marks; paths are relative to docs. */
export function packagesPageWith(page: string, listed: readonly Listed[]): string {
  const table = byStage(
    listed.filter(isReleased),
    ['package', 'what it does'],
    ({ folder, description }) => [`[${basename(folder)}](../${folder}/README.md)`, description],
  )
  return between('packages', page, table)
}

/** A description without the name that leads it, as the row has it already: "Cutout: hides …". */
function withoutName(description: string): string {
  const text = description.replace(/^[\w -]+: /, '')
  return text[0]!.toUpperCase() + text.slice(1)
}

/** What adding a trick to the ablation's base changed; named if the package has several, * if the baseline is another. */
function effects({ tricks }: Listed, summaries: readonly Summary[]): string {
  const names = tricks?.measured ?? []
  const shown = names.flatMap((name) => {
    const found = summaries.find(
      (each) => each.name === name && each.kind === 'added' && each.n >= enough,
    )
    return found
      ? [
          `${names.length > 1 ? `${name} ` : ''}${effectText(found.effect)}${found.remark ? ' \\*' : ''}`,
        ]
      : []
  })
  return shown.join('; ') || 'not measured'
}
