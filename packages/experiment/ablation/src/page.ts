import { type Estimate, effectText, isClear, points, size, type Summary } from './summary.ts'

/** Texts for the results page. */
export interface PageText {
  readonly title: string
  /** Paragraphs describing the training, the data, and how to read the results. */
  readonly about: readonly string[]
  /** Names of positive controls: tricks that must help for the results to be credible. */
  readonly controls?: readonly string[]
  /** How to resume the ablation. */
  readonly again: string
}

/**
 * Creates the results page of an ablation: description, controls, and a table of each kind of comparison.
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
    'Time is CPU time per step, relative to the run without the trick.',
    table(added!, ['trick', 'without', 'with', 'effect', 'calibration error', 'time', 'n']),
    ...(leftOut!.length > 0
      ? [
          '## Leave-one-out',
          'All tricks compared with all but one. These runs may be hours apart, so their times are not compared.',
          table(leftOut!, ['trick', 'without', 'all', 'effect', 'calibration error', 'n']),
        ]
      : []),
    '## How to resume',
    `${again} These runs: ${machines.join('; ') || 'none yet'}.`,
  ].join('\n\n')}\n`
}

/** States whether the positive controls help. */
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
