// What a search for a policy writes in its folder.
import type { PolicySchedule } from '@tricks/policy-search'
import { isFile } from '../recipes/file.ts'
import { baseImport, code } from '../tune/code.ts'
import { gainText } from '../tune/record.ts'
import type { Compared } from './compare.ts'
import type { Generation } from './population.ts'

/** What a search found. */
export interface FoundSchedule {
  readonly schedule: PolicySchedule
  readonly generations: readonly Generation[]
  readonly compared: readonly Compared[]
  readonly n: number
  /** Epochs of a member. */
  readonly epochs: number
}

/**
 * The recipe with the found schedule before its tricks.
 *
 * @param replaced names of its tricks that the schedule replaces
 */
export function recipeOnTop(name: string, file: string, replaced: readonly string[]): string {
  const own = isFile(name)
    ? [baseImport(name, file)]
    : [`import { recipeNamed } from '@tricks/cli'`]
  return [
    `import { scheduledAugment } from '@tricks/policy-search'`,
    `import { defineRecipe, tricksOf } from '@tricks/run'`,
    ...own,
    `import schedule from './schedule.json' with { type: 'json' }`,
    '',
    ...(isFile(name) ? [] : [`const base = await recipeNamed(${code(name)})`, '']),
    'export default defineRecipe({',
    '  ...base,',
    `  what: ${code(`${name} with a searched augmentation schedule`)},`,
    '  tricks: (context) => [',
    '    scheduledAugment({ schedule }),',
    replaced.length === 0
      ? '    ...tricksOf(base, context),'
      : `    ...tricksOf(base, context).filter(({ name }) => !${code(replaced)}.includes(name)),`,
    '  ],',
    '})',
    '',
  ].join('\n')
}

const size = (share: number): string => (share * 100).toFixed(2)

/** `README.md`: what was found, for a person. */
export function pageOf(
  { compared, generations, schedule, n, epochs }: FoundSchedule,
  { data, again }: { readonly data: string; readonly again: string },
): string {
  const members = generations[0]!.members.length
  const rows = compared.map(({ name, accuracy, gain }) => {
    const interval = Number.isFinite(accuracy.interval) ? ` ± ${size(accuracy.interval)}` : ''
    return `| ${name} | ${size(accuracy.mean)}${interval} | ${gain ? gainText(gain) : ''} |`
  })
  return [
    `# An augmentation schedule for ${data}`,
    '',
    `Population Based Augmentation: ${members} members, ${epochs} epochs, ${generations.length} generations. The schedule has ` +
      `${schedule.length} different policies. Everything that was tried is in [search.json](search.json), the schedule in ` +
      '[schedule.json](schedule.json), for `scheduledAugment({ schedule })`.',
    '',
    '![The schedule](schedule.svg)',
    '',
    '## Compared',
    '',
    `Accuracy on test images in %, over ${n} fresh seeds, which all augmentations share, and what the found schedule has more, in ` +
      'percentage points over pairs. Each seed has a random policy of its own.',
    '',
    '| augmentation | accuracy | found is better by |',
    '| --- | ---: | ---: |',
    ...rows,
    '',
    '## How to repeat it',
    '',
    `\`${again}\``,
    '',
  ].join('\n')
}
