// The files that a search writes into its folder.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { effectText, type Estimate, isClear, points } from '@tricks/ablation'
import { replaceFile } from '@tricks/run'
import type { Configuration, Space } from '@tricks/tune'
import type { Comparison, Found, Part } from './conclude.ts'
import { metricsOf, type Trained } from './search.ts'
import type { TuneSetup } from './setup.ts'

/** Settings that must not change when a search is continued; its budget may. */
export interface About {
  readonly setup: TuneSetup
  readonly seed: number
  readonly processes: number
  readonly space: Space
  readonly start: Configuration
  readonly versions: Readonly<Record<string, string>>
}

/** `tune.json`: all trials. Times and machines differ between equal searches. */
export interface TuneRecord extends About {
  readonly budget: string
  readonly trials: readonly TrialRecord[]
  readonly winner?: Configuration
  readonly comparison?: Comparison
  readonly parts?: readonly Part[]
}

interface TrialRecord {
  readonly id: string
  readonly name: string
  readonly stage: Trained['stage']
  readonly seed: number
  /** Epochs of a whole run. */
  readonly budget: number
  readonly from?: string
  readonly configuration: Configuration
  /** Null if the run diverged. */
  readonly accuracy?: number | null
  readonly loss?: number | null
  readonly error?: string
  readonly wallClock?: { readonly seconds: number }
}

const size = (share: number): string => (share * 100).toFixed(2)

const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Checks that the settings are those of the folder's search.
 *
 * @throws Error if they differ
 */
export function checkSame(command: string, folder: string, about: object): void {
  const file = join(folder, 'about.json')
  if (!existsSync(file)) return replaceFile(file, text(about))
  const then = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  const different = Object.entries(about).flatMap(([key, value]) =>
    JSON.stringify(then[key]) === JSON.stringify(value) ? [] : [key],
  )
  if (different.length > 0)
    throw new Error(
      `${command}: ${folder} contains a search with another ${different.join(' and ')}; choose another folder with --out`,
    )
}

/** Writes `tune.json`. */
export function writeRecord(
  folder: string,
  {
    about,
    budget,
    trained,
    found,
  }: { about: About; budget: string; trained: readonly Trained[]; found?: Found | undefined },
): void {
  const record: TuneRecord = {
    ...about,
    budget,
    trials: trained.map(recordOf),
    ...(found && { winner: found.winner, comparison: found.comparison, parts: found.parts }),
  }
  replaceFile(join(folder, 'tune.json'), text(record))
}

function recordOf({ trial, name, stage, configuration, entry }: Trained): TrialRecord {
  const { id, seed, budget, from } = trial
  const metrics = metricsOf(entry)
  return {
    id,
    name,
    stage,
    seed,
    budget,
    ...(from !== undefined && { from }),
    configuration,
    ...(metrics && {
      accuracy: metrics.accuracy,
      loss: metrics.loss,
      wallClock: metrics.wallClock,
    }),
    ...(entry?.state === 'failed' && { error: entry.error ?? 'unknown' }),
  }
}

/** `README.md`: the result for people. */
export function pageOf(
  { comparison, parts, isBase, trained }: Found,
  {
    title,
    about,
    recipe,
    again,
  }: { title: string; about: readonly string[]; recipe: string; again: string },
): string {
  const { n, base, winner, gain } = comparison
  const candidates = new Set(trained.flatMap(({ candidate }) => candidate ?? [])).size
  const row = (name: string, { mean, interval }: Estimate): string =>
    `| ${name} | ${size(mean)} ± ${size(interval)} | ${n} |`
  const table = [
    '| part | effect | n |',
    '| --- | ---: | ---: |',
    ...parts.map((part) => `| ${part.name} | ${effectText(part.effect)} | ${part.n} |`),
  ]
  return [
    `# ${title}`,
    '',
    ...about.flatMap((line) => [line, '']),
    isBase
      ? `None of ${candidates} candidates was better than the recipe on validation images.`
      : `The best of ${candidates} candidates, compared with the recipe that the search started from, over ${n} pairs with fresh ` +
        `seeds on test images, which were not used before: ${gainText(gain)} percentage points.`,
    '',
    '| | accuracy, % | n |',
    '| --- | ---: | ---: |',
    row('the recipe', base),
    ...(isBase ? [] : [row('the winner', winner)]),
    '',
    '```js',
    recipe.trimEnd(),
    '```',
    '',
    '## Leave-one-out',
    '',
    ...(parts.length === 0
      ? [
          isBase
            ? 'The winner is the recipe itself, so no part was left out.'
            : 'The budget was too small for it.',
        ]
      : [
          'Loss of the winner without each part, in percentage points of accuracy on validation images, with other seeds. ' +
            'A schedule, an optimizer or a batch size is replaced by that of the recipe.',
          '',
          ...table,
        ]),
    '',
    '## How to continue',
    '',
    again,
    '',
  ].join('\n')
}

/** Formats a gain, with its interval if there is one. */
export const gainText = (gain: Estimate): string =>
  Number.isFinite(gain.interval)
    ? `${points(gain.mean)} ± ${size(gain.interval)}${isClear(gain) ? '' : ' (no clear gain)'}`
    : points(gain.mean)
