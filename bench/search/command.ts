import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { estimate, type Estimate } from '@tricks/ablation'
import type { Policy } from '@tricks/autoaugment'
import type { PolicySchedule } from '@tricks/policy-search'

/** What a search writes, as far as it is used here. */
export interface SearchRecord {
  readonly policy?: Policy
  readonly schedule?: PolicySchedule
  readonly n: number
  readonly compared: readonly { readonly name: string; readonly accuracies: readonly number[] }[]
  /** Processor time of the search, without the comparison. */
  readonly cost: { readonly wallClock: { readonly cpuSeconds: number } }
}

const cli = resolve(import.meta.dirname, '../../packages/tools/cli/src/cli.ts')

/** Runs `tricks search` to its end, unless it has finished before. @returns what it wrote into its folder */
export function searched(
  data: string,
  flags: Readonly<Record<string, string | undefined>> & { readonly out: string },
): SearchRecord {
  const file = join(flags.out, 'search.json')
  if (!existsSync(file)) {
    const given = Object.entries(flags).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    )
    const node = ['--conditions=@tricks/source', '--no-warnings', cli, 'search', data, ...given]
    const { status } = spawnSync(process.execPath, node, { stdio: 'inherit' })
    if (status !== 0) process.exit(status ?? 1)
  }
  return JSON.parse(readFileSync(file, 'utf8')) as SearchRecord
}

/** An augmentation's accuracies, seed by seed. */
export const accuraciesOf = ({ compared }: SearchRecord, name: string): readonly number[] =>
  compared.find((each) => each.name === name)!.accuracies

/** The mean difference over pairs. */
export const difference = (one: readonly number[], other: readonly number[]): Estimate =>
  estimate(one.slice(0, other.length).map((value, i) => value - other[i]!))
