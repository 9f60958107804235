// The list as code to copy.
import { type Entry, isReference } from './catalogue.ts'
import type { State } from './state.ts'

/** A value as it is written in code, with tricks as calls. */
function written(value: unknown): string {
  if (isReference(value)) return `${value.trick}()`
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`
  if (typeof value === 'object' && value !== null) return object(value as Record<string, unknown>)
  return typeof value === 'string' ? `'${value}'` : String(value)
}

const object = (value: Readonly<Record<string, unknown>>): string => {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return entries.length === 0
    ? ''
    : `{ ${entries.map(([name, each]) => `${name}: ${written(each)}`).join(', ')} }`
}

/** Code that composes the same list, with its imports. */
export function codeOf({ tricks, seed }: State, entries: readonly Entry[]): string {
  const entryOf = (factory: string): Entry => entries.find((each) => each.factory === factory)!
  const calls = tricks.map(({ factory, options }) => {
    const all = { ...entryOf(factory).start, ...options }
    return { factory, call: `${factory}(${object(all)})`, inner: Object.values(all) }
  })
  const used = calls.flatMap(({ factory, inner }) => [
    factory,
    ...inner.filter(isReference).map(({ trick }) => trick),
  ])
  const names = new Map<string, string[]>()
  for (const factory of new Set(used)) {
    const { package: from } = entryOf(factory)
    names.set(from, [...(names.get(from) ?? []), factory])
  }
  const imports = [...names]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([from, own]) => `import { ${own.toSorted().join(', ')} } from '@tricks/${from}'`)
  const list = calls.map(({ call }) => `    ${call},\n`).join('')
  return [
    `import { compose } from '@tricks/core'`,
    ...imports,
    '',
    `const pipeline = compose(`,
    tricks.length === 0 ? '  [],' : `  [\n${list}  ],`,
    // A schedule needs the length of the run.
    tricks.some(({ factory }) => entryOf(factory).stage === 'schedule')
      ? `  { seed: ${seed}, stepsPerEpoch: 391, steps: 30 * 391 },`
      : `  { seed: ${seed} },`,
    ')',
    '',
  ].join('\n')
}

/** The command that installs what the code imports. */
export function installOf({ tricks }: State, entries: readonly Entry[]): string {
  const packages = new Set(
    tricks.map(({ factory }) => entries.find((each) => each.factory === factory)!.package),
  )
  return `npm install ${['core', ...[...packages].toSorted()].map((name) => `@tricks/${name}`).join(' ')} @tensorflow/tfjs`
}
