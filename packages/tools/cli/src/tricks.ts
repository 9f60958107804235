import { readFileSync } from 'node:fs'
import type { Trick } from '@tricks/core'
import { meant, UsageError } from './usage.ts'

/** This package's version and dependencies. */
export const manifest = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string; readonly dependencies: Readonly<Record<string, string>> }

/**
 * Loads a trick that changes pictures, with default options, by its package name without the scope. Its factory has the
 * same name: `@tricks/random-crop` exports `randomCrop`.
 *
 * @throws UsageError if there is no such trick
 */
export async function pictureTrick(name: string): Promise<Trick> {
  const module = /^[a-z\d-]+$/.test(name) ? await packageOf(name) : {}
  const wanted = name.replaceAll('-', '')
  const make = Object.entries(module).find(([key]) => key.toLowerCase() === wanted)?.[1]
  const trick = typeof make === 'function' ? (make as () => Partial<Trick>)() : undefined
  if (trick?.images || trick?.mix) return trick as Trick
  const names = Object.keys(manifest.dependencies).map((each) => each.replace('@tricks/', ''))
  const remedy = names.includes(name) ? '' : meant(name, names)
  throw new UsageError(
    `preview: expected a trick that changes pictures, such as cutout or mixup, got ${name}${remedy}`,
  )
}

async function packageOf(name: string): Promise<object> {
  try {
    return (await import(/* @vite-ignore */ `@tricks/${name}`)) as object
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return {}
    throw error
  }
}
