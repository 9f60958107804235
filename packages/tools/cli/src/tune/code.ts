// The source of the recipe that a search found.
import { dirname, relative, resolve } from 'node:path'
import type { Recipe } from '@tricks/run'
import { isFile } from '../recipes/file.ts'
import { type Bag, type Call, entryNamed, isKept } from './bag.ts'

export interface Source {
  /** The recipe from which the search started, and its name or file. */
  readonly recipe: Recipe
  readonly name: string
  readonly bag: Bag
  readonly epochs: number
  /** The path of the source, to resolve its imports. */
  readonly file: string
  /** One line, for lists. */
  readonly what: string
  /** The comment at the beginning. */
  readonly comment: readonly string[]
}

/**
 * The source of a module whose default export is the recipe, either complete or based on the recipe from which the
 * search started.
 */
export function recipeSource({ recipe, name, bag, epochs, file, what, comment }: Source): string {
  const own = typeof recipe.model === 'string' && !recipe.prepare && !recipe.teacher && !recipe.head
  const keeps = bag.tricks.some(isKept)
  const isWhole = own && !keeps && bag.optimizer !== undefined
  const calls = bag.tricks.flatMap((part) => (isKept(part) ? [] : withAfter(part)))
  const imports = new Map<string, Set<string>>()
  const use = (module: string, factory: string): void =>
    void imports.set(module, (imports.get(module) ?? new Set()).add(factory))
  for (const call of [...calls, ...(bag.optimizer ? [bag.optimizer] : [])])
    use(`@tricks/${entryNamed(call.name).module}`, factoryOf(call))
  use('@tricks/run', 'defineRecipe')
  if (keeps) use('@tricks/run', 'tricksOf')
  if (!isWhole && !isFile(name)) use('@tricks/cli', 'recipeNamed')

  const { model, modelOptions, validation, precision, size, larger, normalization } = recipe
  const settings = { model, modelOptions, precision, size, larger, normalization, validation }
  const lines = Object.entries(settings).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${code(value)},`],
  )
  const base = isWhole
    ? []
    : isFile(name)
      ? [baseImport(name, file), '']
      : ['', `const base = await recipeNamed(${code(name)})`]
  const list = bag.tricks.map((part) =>
    isKept(part)
      ? `...tricksOf(base, context).filter(({ key, name }) => (key ?? name) === ${code(part.kept)}),`
      : `${callCode(part)},`,
  )
  return [
    ...comment.map((line) => `// ${line}`),
    ...[...imports.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([module, names]) => `import { ${[...names].toSorted().join(', ')} } from ${code(module)}`,
      ),
    ...base,
    ...(base.length > 0 && base.at(-1) === '' ? [] : ['']),
    'export default defineRecipe({',
    ...(isWhole ? [] : ['  ...base,']),
    `  what: ${code(what)},`,
    ...(isWhole ? lines.map((line) => `  ${line}`) : []),
    `  epochs: ${epochs},`,
    `  batchSize: ${bag.batchSize},`,
    ...(bag.optimizer ? [`  optimizer: () => ${callCode(bag.optimizer)},`] : []),
    `  tricks: ${keeps ? '(context) => ' : ''}[`,
    ...list.map((line) => `    ${line}`),
    '  ],',
    '})',
    '',
  ].join('\n')
}

/** The import of a recipe file as `base`, in another file. */
export function baseImport(name: string, file: string): string {
  const path = relative(dirname(resolve(file)), resolve(name)).replaceAll('\\', '/')
  return `import base from ${code(path.startsWith('.') ? path : `./${path}`)}`
}

const withAfter = (call: Call): Call[] => [call, ...(call.after ? withAfter(call.after) : [])]

/** The exported function's name: random-crop is randomCrop, autoaugment is autoAugment. */
export function factoryOf({ name }: Call): string {
  const { make } = entryNamed(name)
  return make.name
}

/** The source of a call. */
export function callCode(call: Call): string {
  const options = Object.entries(call.options).map(([key, value]) => `${key}: ${code(value)}`)
  const all = call.after ? [...options, `after: ${callCode(call.after)}`] : options
  return `${factoryOf(call)}(${all.length > 0 ? `{ ${all.join(', ')} }` : ''})`
}

/** A JSON value as a literal. */
export function code(value: unknown): string {
  if (typeof value === 'string')
    return `'${value.replaceAll(/['\\]/g, '\\$&').replaceAll('\n', '\\n')}'`
  if (Array.isArray(value)) return `[${value.map(code).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : code(name))
  return `{ ${entries.map(([name, each]) => `${key(name)}: ${code(each)}`).join(', ')} }`
}
