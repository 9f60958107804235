import { type Estimate, effectText, isClear, points, size, type Summary } from './summary.ts'

/** What the page says that its numbers don't. */
export interface PageText {
  readonly title: string
  /** Paragraphs: what was trained, on what, and how the results are to be read. */
  readonly about: readonly string[]
  /** What must help for the rest to mean anything, by name. */
  readonly controls?: readonly string[]
  /** How to continue it. */
  readonly again: string
}

/**
 * The page of an ablation: what was done, what its controls show, and the two tables.
 *
 * @example
 * const page = pageOf({ title: 'Cutout', about: [], again: 'Run it again.' }, { summaries: [], machines: [] })
 */
export function pageOf(
  { title, about, controls = [], again }: PageText,
  {
    summaries,
    machines,
  }: { readonly summaries: readonly Summary[]; readonly machines: readonly string[] },
): string {
  const [added, leftOut] = (['added', 'left out'] as const).map((kind) =>
    summaries.filter((summary) => summary.kind === kind),
  )
  return `${[
    `# ${title}`,
    ...about,
    ...(controls.length > 0 ? [controlsOf(summaries, controls)] : []),
    '![The effects with their intervals](chart.svg)',
    '## Added to the base',
    'The time is that of the processor, per step.',
    table(added!, ['trick', 'without', 'with', 'effect', 'calibration error', 'time', 'n']),
    '## Left out of all',
    'All tricks against all but one. These runs may be hours apart, so their times are not compared.',
    table(leftOut!, [
      'trick',
      'all but it',
      'all',
      'effect of having it',
      'calibration error',
      'n',
    ]),
    '## How to continue it',
    `${again} These runs: ${machines.join('; ') || 'none yet'}.`,
  ].join('\n\n')}\n`
}

/** Whether what must help does. */
function controlsOf(summaries: readonly Summary[], names: readonly string[]): string {
  const measured = summaries.filter(
    ({ name, kind, n }) => kind === 'added' && n > 1 && names.includes(name),
  )
  if (measured.length === 0) return 'Positive controls: not run yet.'
  const seen = measured.map(
    ({ name, effect }) =>
      `${name} ${effectText(effect)} (${isClear(effect) ? 'excludes zero' : 'includes zero'})`,
  )
  return `Positive controls: ${seen.join('; ')}.`
}

function table(summaries: readonly Summary[], heads: readonly string[]): string {
  const accuracy = ({ mean, deviation }: Estimate): string =>
    Number.isFinite(deviation) ? `${size(mean)} ± ${size(deviation)}` : size(mean)
  return [
    `| ${heads.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(heads.length - 1)}`,
    ...summaries.map(
      ({ name, remark, without, with: having, effect, calibration, cost, n }) =>
        `| ${[
          name + (remark ? ` (${remark})` : ''),
          accuracy(without),
          accuracy(having),
          effectText(effect),
          points(calibration.mean, 1),
          ...(heads.includes('time') ? [`×${cost.toFixed(2)}`] : []),
          n,
        ].join(' | ')} |`,
    ),
  ].join('\n')
}
