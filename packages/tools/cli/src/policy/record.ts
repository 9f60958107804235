// The files that a search for a policy writes to its folder.
import { isFile } from '../recipes/file.ts'
import type { Call } from '../tune/bag.ts'
import { entryNamed } from '../tune/bag.ts'
import { baseImport, callCode, code, factoryOf } from '../tune/code.ts'
import { gainText } from '../tune/record.ts'
import type { Compared } from './compare.ts'
import type { Found } from './method.ts'

/** The result of a search, and its comparison. */
export interface Concluded extends Found {
  readonly compared: readonly Compared[]
  readonly n: number
  /** Epochs of a run in the search. */
  readonly epochs: number
  /** Processor time of all trials of the search together. */
  readonly cost: { readonly wallClock: { readonly cpuSeconds: number } }
}

/** The option of a found call that is kept in a separate file; undefined if its options are short. */
export const filedOption = ({ options }: Call): 'schedule' | 'policy' | undefined =>
  (['schedule', 'policy'] as const).find((name) => name in options)

/**
 * The recipe with the found augmentation before its tricks.
 *
 * @param replaced names of the recipe's tricks that the found one replaces
 */
export function recipeOnTop(
  name: string,
  file: string,
  { call, replaced }: { readonly call: Call; readonly replaced: readonly string[] },
): string {
  const own = isFile(name)
    ? [baseImport(name, file)]
    : [`import { recipeNamed } from '@tricks/cli'`]
  const filed = filedOption(call)
  return [
    `import { ${factoryOf(call)} } from '@tricks/${entryNamed(call.name).module}'`,
    `import { defineRecipe, tricksOf } from '@tricks/run'`,
    ...own,
    ...(filed ? [`import ${filed} from './${filed}.json' with { type: 'json' }`] : []),
    '',
    ...(isFile(name) ? [] : [`const base = await recipeNamed(${code(name)})`, '']),
    'export default defineRecipe({',
    '  ...base,',
    `  what: ${code(`${name} with a searched augmentation`)},`,
    '  tricks: (context) => [',
    `    ${filed ? `${factoryOf(call)}({ ${filed} })` : callCode(call)},`,
    replaced.length === 0
      ? '    ...tricksOf(base, context),'
      : `    ...tricksOf(base, context).filter(({ name }) => !${code(replaced)}.includes(name)),`,
    '  ],',
    '})',
    '',
  ].join('\n')
}

const size = (share: number): string => (share * 100).toFixed(2)

/** `README.md`: a readable summary of the result. */
export function pageOf(
  { call, text, compared, n, cost }: Concluded,
  of: { readonly title: string; readonly data: string; readonly again: string },
): string {
  const filed = filedOption(call)
  const rows = compared.map(({ name, accuracy, gain }) => {
    const interval = Number.isFinite(accuracy.interval) ? ` ± ${size(accuracy.interval)}` : ''
    return `| ${name} | ${size(accuracy.mean)}${interval} | ${gain ? gainText(gain) : ''} |`
  })
  return [
    `# An augmentation for ${of.data}`,
    '',
    `${of.title}: ${text} All candidates are in [search.json](search.json)` +
      (filed
        ? `, the ${filed} in [${filed}.json](${filed}.json), for \`${factoryOf(call)}({ ${filed} })\`.`
        : `. Found: \`${callCode(call)}\`.`),
    '',
    ...(filed ? [`![The ${filed}](${filed}.svg)`, ''] : []),
    ...(filed === 'policy' ? ['![Sub-policies on pictures](sub-policies.svg)', ''] : []),
    `The search took ${(cost.wallClock.cpuSeconds / 60).toFixed(1)} processor-minutes.`,
    '',
    '## Comparison',
    '',
    `Accuracy on test images in %, over ${n} fresh seeds, which all augmentations share, and the gain of the found one over each, ` +
      'in percentage points over pairs. Each seed has a different random policy. The 95 % confidence intervals are not corrected ' +
      'for multiple comparisons.',
    '',
    '| augmentation | accuracy | gain of the found one |',
    '| --- | ---: | ---: |',
    ...rows,
    '',
    '## How to repeat it',
    '',
    `\`${of.again}\``,
    '',
  ].join('\n')
}
