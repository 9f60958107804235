import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { usedWords } from './templates.ts'

/** The repository's tricks, inserted by the build. */
declare const TRICKS: readonly string[] | undefined

interface Manifest {
  /** A trick's stage, and the tricks' names if they differ from the package's. */
  readonly tricks?: { readonly names?: readonly string[] }
}

/** The names of the packages and tricks in a repository. */
export const namesIn = (root: string): { packages: string[]; tricks: string[] } => {
  const folder = join(root, 'packages')
  const manifests = readdirSync(folder).flatMap((stage) =>
    readdirSync(join(folder, stage))
      .map((name) => ({ name, file: join(folder, stage, name, 'package.json') }))
      .filter(({ file }) => existsSync(file)),
  )
  const tricks = manifests.flatMap(({ name, file }) => {
    const { tricks: own } = JSON.parse(readFileSync(file, 'utf8')) as Manifest
    return own ? [name, ...(own.names ?? [])] : []
  })
  const packages = [...readdirSync(folder), ...manifests.map(({ name }) => name)]
  return { packages, tricks: [...new Set(tricks)] }
}

/** The existing tricks; two of the same name would draw the same random numbers. */
export const existing = (): readonly string[] =>
  typeof TRICKS === 'undefined'
    ? namesIn(fileURLToPath(new URL('../../../..', import.meta.url))).tricks
    : TRICKS

const reserved = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export ' +
    'extends false finally for function if implements import in infinity instanceof interface let nan new null ' +
    'package private protected public return static super switch this throw true try typeof undefined var void ' +
    'while with yield node-modules new-trick core example trick tricks'
  ).split(' '),
)
const kebab = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const scoped = /^(?:(@[a-z0-9][a-z0-9-]*)\/)?(.*)$/

/**
 * The reason why a name is rejected; undefined if it is valid.
 *
 * @param taken names besides those of the existing tricks
 * @example
 * refusal('cutout') // 'create-trick: expected the name to be new, got "cutout", which is taken'
 */
export function refusal(name: string, taken: readonly string[] = []): string | undefined {
  const bare = bareName(name)
  const expected = (what: string, why = ''): string =>
    `create-trick: expected the name to be ${what}, got ${JSON.stringify(name)}${why}`
  if (!kebab.test(bare))
    return expected('words of a-z and 0-9 joined by -, starting with a letter, as in my-idea')
  if (name.length > 100) return expected('at most 100 characters')
  if (reserved.has(bare) || usedWords().has(camelOf(name)) || builtinModules.includes(bare))
    return expected('available', ', which is reserved')
  if ([...existing(), ...taken].includes(bare)) return expected('new', ', which is taken')
  return undefined
}

/** The name without its scope: the trick's, and the folder's. */
export const bareName = (name: string): string => scoped.exec(name)![2]!

/** The name of the trick's function. */
export const camelOf = (name: string): string =>
  bareName(name).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
