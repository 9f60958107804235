// The factories of all tricks in the repository, found by the packages themselves: those whose manifest has `tricks`,
// and in each the exported pairs of a function and its options, as `cutout` and `cutoutOptions`. So a new trick is
// drawn,
// fuzzed and resumed without being added to a list.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Kind, OptionSet } from '@tricks/core/options'

type Options = Readonly<Record<string, unknown>>

export interface Factory {
  /** The package's, from the root of the repository. */
  readonly folder: string
  /** The package's name in its stage, such as `cutout`. */
  readonly trick: string
  /** The package's description. */
  readonly description: string
  /** Whether a release has it. */
  readonly released: boolean
  /** The exported function's name. */
  readonly name: string
  readonly options: OptionSet<Readonly<Record<string, Kind>>>
  /** Makes the trick, layer or optimizer from any arguments. */
  make(options?: Options): unknown
  /**
   * What the package's `test/samples.ts` gives: options that are required, or with which a short run shows an effect.
   */
  sample(data: SampleData): Options
  /** What the package's `test/preview.ts` exports. */
  readonly preview: Options
}

/** What a sample's options may depend on. */
export interface SampleData {
  readonly classes: number
}

type Samples = (data: SampleData) => Readonly<Record<string, Options>>

export const repository: string = join(import.meta.dirname, '..')

const moduleAt = async (path: string): Promise<Record<string, unknown>> =>
  existsSync(path) ? ((await import(path)) as Record<string, unknown>) : {}

async function factoriesIn(manifest: string): Promise<Factory[]> {
  const { description, tricks, version } = JSON.parse(
    readFileSync(join(repository, manifest), 'utf8'),
  ) as {
    readonly description: string
    readonly tricks?: object
    readonly version: string
  }
  if (!tricks) return []
  const folder = dirname(manifest)
  const root = join(repository, folder)
  const exported = await moduleAt(join(root, 'src/index.ts'))
  const preview = await moduleAt(join(root, 'test/preview.ts'))
  const own = (await moduleAt(join(root, 'test/samples.ts'))) as {
    readonly samples?: Samples
    /** For a function that takes more than options, such as an optimizer to wrap, one that takes options alone. */
    readonly makers?: Readonly<Record<string, Factory['make']>>
  }
  return Object.entries(exported).flatMap(([key, options]) => {
    const name = key.replace(/Options$/, '')
    const make = own.makers?.[name] ?? exported[name]
    if (name === key || typeof make !== 'function') return []
    return {
      folder,
      trick: basename(folder),
      description,
      released: version !== '0.0.0',
      name,
      options: options as Factory['options'],
      make: make as Factory['make'],
      sample: (data: SampleData) => own.samples?.(data)[name] ?? {},
      preview,
    }
  })
}

const manifests = globSync('packages/*/*/package.json', { cwd: repository }).toSorted()

/** By their packages' folders. */
export const factories: readonly Factory[] = (await Promise.all(manifests.map(factoriesIn))).flat()
