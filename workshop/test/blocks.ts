// Code blocks in Markdown and TSDoc, and modules to run them.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')
export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

export interface Package {
  readonly folder: string
  readonly name: string
  readonly bin: readonly string[]
  readonly peers: readonly string[]
  readonly dependencies: readonly string[]
}

export const packages: readonly Package[] = globSync(
  ['packages/core/package.json', 'packages/*/*/package.json'],
  { cwd: root },
)
  .toSorted()
  .map((path) => {
    const { name, publishConfig, peerDependencies, peerDependenciesMeta, dependencies } =
      JSON.parse(read(path)) as {
        name: string
        publishConfig: { bin?: Record<string, string> }
        peerDependencies?: Record<string, string>
        peerDependenciesMeta?: Record<string, { optional?: boolean }>
        dependencies?: Record<string, string>
      }
    return {
      folder: dirname(path),
      name,
      bin: Object.keys(publishConfig.bin ?? {}),
      peers: Object.keys(peerDependencies ?? {}).filter(
        (peer) => peerDependenciesMeta?.[peer]?.optional !== true,
      ),
      dependencies: Object.keys(dependencies ?? {}),
    }
  })

export interface Block {
  readonly language: string
  readonly code: string
}

/** The fenced blocks of a Markdown text; those in lists are unindented. */
export const blocksOf = (markdown: string): Block[] =>
  [...markdown.matchAll(/^( *)```(\w*)[^\n]*\n([^]*?)^\1```$/gm)].map(
    ([, indent, language, code]) => ({
      language: language!,
      code: code!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  )

/** The code under each `@example` of a source. */
export const examplesOf = (source: string): string[] =>
  [...source.matchAll(/@example\n([^]*?)(?=\n\s*\* @|\s*\*\/)/g)].map(([, lines]) =>
    lines!.replaceAll(/^\s*\* ?/gm, ''),
  )

export interface Scene {
  /** The names that each package exports, its own first. */
  readonly exports: ReadonlyMap<string, string>
  /** The names that the scene provides. */
  readonly names: readonly string[]
}

/** Resolves a module; packages of this repository are found even if nobody depends on them. */
function resolveModule(from: string, folder: string): string {
  if (from.startsWith('.')) return join(root, folder, from)
  const ours = packages.find(({ name }) => from === name || from.startsWith(`${name}/`))
  const path = from.slice(ours?.name.length).slice(1) || 'index'
  return ours ? join(root, ours.folder, `src/${path}.ts`) : from
}

const importLine =
  /^import (?:type )?(?:(\* as \w+|\w+|\{[^}]*\}) from )?'([^']+)'(?: with \{[^}]*\})?\n/gm

/**
 * A module that runs pieces of code, each a list of blocks that continue one another. What they use and
 * don't import comes from the scene, or from whichever package exports it. Relative imports are those of `folder`.
 */
export function moduleOf(
  pieces: readonly (readonly string[])[],
  { exports, names }: Scene,
  folder: string,
): string {
  const imports = new Map<string, Set<string>>()
  const add = (from: string, what: string): unknown =>
    (imports.get(from) ?? imports.set(from, new Set()).get(from)!).add(what)
  const importLines = new Set<string>()
  const bodies = pieces.map((blocks) =>
    blocks.map((block) =>
      `${block}\n`
        .replaceAll(importLine, (line, what: string | undefined, from: string) => {
          const path = resolveModule(from, folder)
          if (what?.startsWith('{') === true && !line.includes('import type'))
            for (const name of what.slice(1, -1).split(',')) {
              if (name.trim() !== '') add(path, name.trim())
            }
          else importLines.add(line.replace(from, path).trimEnd())
          return ''
        })
        .replaceAll(/^export default /gm, 'void ')
        .replaceAll(/^export /gm, '')
        // Errors must surface here.
        .replaceAll(/^(?=train\()/gm, 'await ')
        .replaceAll(valueComment, (line, expression: string, value: string) =>
          isLiteral(value) ? `says(${expression}, ${value})` : line,
        ),
    ),
  )
  const taken = new Set([...imports.values()].flatMap((set) => [...set]))
  for (const line of importLines) taken.add(/^import (?:\* as )?(\w+)/.exec(line)?.[1] ?? '')
  const text = bodies.flat().join('\n')
  const uses = (name: string): boolean =>
    !taken.has(name) && new RegExp(`(?<![\\w'-]|(?<!\\.\\.)\\.)${name}\\b`).test(text)
  for (const [name, from] of exports)
    if (!names.includes(name) && name !== 'tf' && uses(name)) add(resolveModule(from, folder), name)
  if (uses('tf')) importLines.add("import * as tf from '@tensorflow/tfjs'")
  // Types are not among a module's exports at run time.
  const imported = [...importLines, ...taken].some((each) => /\bTrick\b/.test(each))
  if (!imported && /\): Trick\b/.test(text))
    importLines.add("import type { Trick } from '@tricks/core'")
  const sceneNames = names.filter(uses).join(', ')
  const functions = bodies.map(
    (blocks) =>
      `async () => {\nconst { ${sceneNames} } = scene()\n` +
      `${blocks.map((block) => `{\n${block}`).join('')}${'}'.repeat(blocks.length)}\n}`,
  )
  return [
    ...importLines,
    ...[...imports].map(([from, set]) => `import { ${[...set].join(', ')} } from '${from}'`),
    `import { scene } from '${root}/workshop/test/scene.ts'`,
    `import { says } from '${root}/workshop/test/says.ts'`,
    `export default [${functions.join(', ')}]\nvoid says\n`,
  ].join('\n')
}

/** A call on its own line with its value in a comment, as in `rate(50) // 0.05, half way`. */
const valueComment =
  /^(\w[\w.]*\(.*\)) \/\/ (-?[\d.]+|\[.*\]|\{.*\}|'[^']*')(?:(?:[,:;]| and) .*)?$/gm
function isLiteral(text: string): boolean {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- the repository's own words
    new Function(`return (${text})`)()
    return true
  } catch {
    return false
  }
}
