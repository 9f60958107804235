// Writes the options table of each card, from the package's declared options and the comments on them.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Kind, OptionSet } from '@tricks/core/options'
import { tableOf } from './table.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

type Options = OptionSet<Readonly<Record<string, Kind>>>
/** A package's exports; its options are those whose names end in Options. */
export type Exports = Readonly<Record<string, unknown>>

/** All sources of a package. */
export const sourcesOf = (folder: string): string =>
  globSync(`${folder}/src/**/*.ts`, { cwd: root }).toSorted().map(read).join('\n')

/** The folders of the packages that declare options; core is where the declaring is defined. */
export const folders: readonly string[] = globSync('packages/*/*/package.json', { cwd: root })
  .map((path) => dirname(path))
  .filter((folder) => /Options = define(?:Options|Parameters)\(/.test(sourcesOf(folder)))
  .toSorted()

export const exportsOf = (folder: string): Promise<Exports> =>
  import(join(root, folder, 'src/index.ts')) as Promise<Exports>

/**
 * A card with a table between its marks: `<!-- options -->` for a package with one set of options, and
 * `<!-- options: warmupOptions -->` for each of several.
 *
 * @param exports of the package
 * @param sources of the package, with a comment before each option
 * @throws Error if the card lacks a table, or an option its comment
 */
export function cardWith(card: string, exports: Exports, sources: string): string {
  const sets = new Map(Object.entries(exports).filter(isOptions))
  const missing = new Set(sets.keys())
  const names = [...missing].join(', ')
  const written = card.replaceAll(marks, (_, named?: string) => {
    if (sets.size === 0) throw new Error('expected a package with a table to export its options')
    const name = named ?? [...sets.keys()][0]!
    const set = sets.get(name)
    if (!set || (sets.size > 1 && named === undefined))
      throw new Error(`expected <!-- options: NAME --> with one of ${names}, got ${named}`)
    missing.delete(name)
    const table = optionsTable(set, declarationOf(name, sources))
    return `<!-- options${named === undefined ? '' : `: ${named}`} -->\n\n${table}\n\n<!-- /options -->`
  })
  if (missing.size > 0)
    throw new Error(
      `expected a table of ${[...missing].join(', ')}: add <!-- options --> and <!-- /options --> to the card`,
    )
  return written
}

const marks = /<!-- options(?:: (\w+))? -->[^]*?<!-- \/options -->/g

const isOptions = (entry: [string, unknown]): entry is [string, Options] =>
  entry[0].endsWith('Options') && typeof (entry[1] as Partial<Options> | null)?.parse === 'function'

/** The source of a set's declaration, followed by everything else, where shared options are declared. */
export function declarationOf(name: string, sources: string): string {
  const start = sources.search(new RegExp(`\\b${name} = define(?:Options|Parameters)\\(`))
  if (start < 0) throw new Error(`expected a declaration ${name} = defineOptions(…)`)
  return sources.slice(start, sources.indexOf('\n}', start)) + sources
}

/** A table of option, default, range and meaning, aligned like the formatter does. */
function optionsTable({ kinds, keyed }: Options, source: string): string {
  const rows = Object.entries(kinds).map(([option, kind]) => {
    const { meaning, defaultValue = defaultOf(kind) } = commentOf(option, source)
    return [`\`${option}\``, defaultValue, kind.range, meaning]
  })
  if (keyed)
    rows.push([
      '`key`',
      '',
      'non-empty text',
      'Distinguishes tricks of the same name in a list; draws depend on it.',
    ])
  return tableOf([['option', 'default', 'range', 'meaning'], ...rows])
}

function defaultOf({ default: value, optional }: Kind): string {
  if (optional) return 'none'
  if (value === undefined) return 'required'
  if (typeof value === 'string') return `\`'${value}'\``
  const spaced = JSON.stringify(value)
    .replaceAll(',', ', ')
    .replaceAll(/"(\w+)":/g, '$1: ')
  return `\`${spaced.replaceAll('{', '{ ').replaceAll('}', ' }')}\``
}

/** Reads the comment on an option; its @defaultValue, if present, describes the default. */
export function commentOf(
  option: string,
  source: string,
): { meaning: string; defaultValue?: string } {
  // Declared in place, as `option: integer(…)`, or as a constant that several sets share.
  const declared = String.raw`(?:(?:const )?${option}(?::| =) \w+[<(]|${option},\n)`
  const comment = new RegExp(String.raw`/\*\*((?:(?!\*/)[^])*)\*/\s*${declared}`).exec(source)?.[1]
  if (comment === undefined)
    throw new Error(`expected a comment before ${option}, with its meaning`)
  const [meaning, defaultValue] = comment
    .replaceAll(/\s*\n\s*\* ?/g, ' ')
    .split('@defaultValue')
    .map((part) => part.trim())
  return { meaning: meaning!, ...(defaultValue !== undefined && { defaultValue }) }
}

/** Each package's card with its tables, by path. */
export async function cards(): Promise<Map<string, string>> {
  const written = new Map<string, string>()
  for (const folder of folders) {
    const card = `${folder}/README.md`
    try {
      written.set(card, cardWith(read(card), await exportsOf(folder), sourcesOf(folder)))
    } catch (error) {
      throw new Error(`${card}: ${(error as Error).message}`, { cause: error })
    }
  }
  return written
}
