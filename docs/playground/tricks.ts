// Creates tricks by name; a package is loaded when it is first used.
import type { Trick } from '@tricks/core'
import { type Entry, isReference } from './catalogue.ts'
import type { Item } from './state.ts'

type Factory = (options: Readonly<Record<string, unknown>>) => Trick

const modules = import.meta.glob<Record<string, unknown>>(
  '../../packages/{augment,mix,loss,schedule}/*/src/index.ts',
)

async function factoryOf({ factory, package: name, stage }: Entry): Promise<Factory> {
  const module = await modules[`../../packages/${stage}/${name}/src/index.ts`]!()
  return module[factory] as Factory
}

/** Creates the tricks of a list, and those in their options. */
export async function tricksOf(
  items: readonly Item[],
  entries: readonly Entry[],
): Promise<Trick[]> {
  const entryOf = (factory: string): Entry => entries.find((each) => each.factory === factory)!
  return Promise.all(
    items.map(async ({ factory, options }, i) => {
      const entry = entryOf(factory)
      const given = await Promise.all(
        Object.entries({ ...entry.start, ...options }).map(async ([name, value]) => {
          if (!isReference(value)) return [name, value] as const
          const inner = entryOf(value.trick)
          return [name, (await factoryOf(inner))(inner.start)] as const
        }),
      )
      // The same trick twice needs different keys; the first has its default key, as if it were alone.
      const earlier = items.slice(0, i).filter((each) => each.factory === factory).length
      const key = earlier > 0 ? { key: `${factory}-${earlier + 1}` } : {}
      const make = await factoryOf(entry)
      return make({
        ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
        ...key,
      })
    }),
  )
}
