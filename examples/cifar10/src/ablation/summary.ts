import jstat from 'jstat'
import { type Comparison, keyOfArm } from './arms.ts'
import type { About, Result } from './ablate.ts'

/** A mean over seeds, with the half-width of its 95 % confidence interval. */
export interface Estimate {
  readonly mean: number
  readonly deviation: number
  readonly interval: number
}

export interface Summary {
  readonly name: string
  readonly kind: Comparison['kind']
  readonly remark?: string
  /** Seeds that both sides have. */
  readonly n: number
  readonly with: Estimate
  readonly without: Estimate
  /** Of accuracy, pair by pair: with less without, as a share. */
  readonly effect: Estimate
  readonly calibration: Estimate
  readonly loss: Estimate
  /** How many times the processor's time of a step without it. */
  readonly cost: number
}

/** What each comparison shows by now; those without a pair of runs are left out. */
export function summarize(
  results: readonly Result[],
  comparisons: readonly Comparison[],
): Summary[] {
  return comparisons.flatMap((comparison) => {
    const pairs = pairsOf(results, comparison)
    if (pairs.length === 0) return []
    const difference = (of: (result: Result) => number): Estimate =>
      estimate(pairs.map(({ having, lacking }) => of(having) - of(lacking)))
    const stepCost = ({ wallClock, steps }: Result): number => wallClock.cpuSeconds / steps
    const { name, kind, remark } = comparison
    return {
      name,
      kind,
      ...(remark !== undefined && { remark }),
      n: pairs.length,
      with: estimate(pairs.map(({ having }) => having.accuracy)),
      without: estimate(pairs.map(({ lacking }) => lacking.accuracy)),
      effect: difference(({ accuracy }) => accuracy),
      calibration: difference(({ calibrationError }) => calibrationError),
      loss: difference(({ loss }) => loss),
      cost: median(pairs.map(({ having, lacking }) => stepCost(having) / stepCost(lacking))),
    }
  })
}

/** A pair a seed, in their order: the first that a machine has trained both sides of, in one precision. */
export function pairsOf(
  results: readonly Result[],
  comparison: Comparison,
): { readonly having: Result; readonly lacking: Result }[] {
  const [with_, without] = [comparison.with, comparison.without].map(keyOfArm)
  const pairs = new Map<number, { having: Result; lacking: Result }>()
  for (const having of results.filter(({ arm }) => arm === with_)) {
    const lacking = results.find(
      ({ arm, seed, on }) => arm === without && seed === having.seed && on === having.on,
    )
    if (lacking && !pairs.has(having.seed)) pairs.set(having.seed, { having, lacking })
  }
  return [...pairs.values()].toSorted((a, b) => a.having.seed - b.having.seed)
}

/** Student's t: with one value there is no interval. */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const interval = (jstat.studentt.inv(0.975, n - 1) * deviation) / Math.sqrt(n)
  return { mean, deviation, interval }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Whether the interval leaves zero out. */
export const isClear = ({ mean, interval }: Estimate): boolean => Math.abs(mean) > interval

export const points = (share: number, digits = 2): string => {
  const text = (share * 100).toFixed(digits)
  return share > 0 && Number(text) !== 0 ? `+${text}` : text.replace('-', '−')
}

const size = (share: number): string => (share * 100).toFixed(2)

/** An effect in percentage points with its interval, bold where that leaves zero out. */
export function effectText(effect: Estimate): string {
  if (!Number.isFinite(effect.interval)) return points(effect.mean)
  const text = `${points(effect.mean)} ± ${size(effect.interval)}`
  return isClear(effect) ? `**${text}**` : text
}

/** The page of an ablation: what was done, what its controls show, and the two tables. */
export function pageOf(
  { regime, versions }: About,
  { summaries, machines }: { summaries: readonly Summary[]; machines: readonly string[] },
): string {
  const { trainingImages, validationImages, measuredImages, epochs, batchSize } = regime
  const [count, kept, measured] = [trainingImages, validationImages, measuredImages].map((images) =>
    images.toLocaleString('en'),
  )
  return `${[
    '# What each trick is worth',
    `The net \`plain\` (16-32-64-128) on ${count} images of CIFAR-10, as many of each class, and ${kept} more for early ` +
      `stopping; ${epochs} epochs, batch ${batchSize}, momentum 0.9 (Nesterov). Accuracy is that of ${measured} other ` +
      `training images: the test set is not looked at. A pair of runs has the seed in common: the weights they start ` +
      `from, the order of the images, and all other draws; and the machine with its precision. An effect is the mean over pairs in percentage points with ` +
      `its 95 % interval (Student's t), bold where that leaves zero out. Intervals are each trick's own: of twenty that ` +
      `do nothing, one will look as if it did.`,
    `The base is batch norm and cosine decay. Calibration error is the expected one over 15 bins: less is better. ` +
      `Options are those of [article.ts](../../examples/cifar10/src/article.ts), tuned for none of them.`,
    controlsOf(summaries),
    '![The effects with their intervals](chart.svg)',
    '## Added to the base',
    "The time is the processor's, a step.",
    table(
      summaries.filter(({ kind }) => kind === 'added'),
      ['trick', 'without', 'with', 'effect', 'calibration error', 'time', 'n'],
    ),
    '## Had among all the others',
    'All tricks of the article against all but the one. These runs lie hours apart, so their times are not compared.',
    table(
      summaries.filter(({ kind }) => kind === 'left out'),
      ['trick', 'all but it', 'all', 'effect of having it', 'calibration error', 'n'],
    ),
    '## How to make it again',
    `\`npm start -- ablate\` goes on where [runs.jsonl](runs.jsonl) ends, on ${regime.backend}, TensorFlow.js ` +
      `${versions.tfjs}. These runs: ${machines.join('; ')}.`,
  ].join('\n\n')}\n`
}

/** What must be seen for the rest to mean anything: crop and flip help small data. */
function controlsOf(summaries: readonly Summary[]): string {
  const controls = summaries.filter(
    ({ name, kind, n }) =>
      kind === 'added' && n > 1 && ['random-crop + mirroring', 'batch-norm'].includes(name),
  )
  if (controls.length === 0) return 'Positive controls: not run yet.'
  const seen = controls.map(
    ({ name, effect }) =>
      `${name} ${effectText(effect)} (${isClear(effect) ? 'leaves zero out' : 'does not leave zero out'})`,
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
