import type { PlanStage, PlanTrick } from '@tricks/core'

/** A trick of a pipeline, in words. */
export interface PlanLine {
  readonly stage: string
  readonly name: string
  /** As one would write them: `{ length: 16 }`; of a combinator with its tricks in brackets. */
  readonly options: string
}

const names: Readonly<Record<string, string>> = {
  learningRate: 'rate',
  multipliers: 'rate per variable',
  afterStep: 'after step',
  afterEpoch: 'after epoch',
}

const planLine = (stage: string, trick: PlanTrick): PlanLine => {
  const [name, ...options] = describe(trick).split(' ')
  return { stage: names[stage] ?? stage, name: name!, options: options.join(' ') }
}

/**
 * A pipeline's plan as lines of text: stage, trick, options.
 *
 * @example
 * console.log(planLines(compose([labelSmoothing(), cutout({ length: 16 })]).plan()).join('\n'))
 * // images      cutout { length: 16, holes: 1, fill: 'mean', inside: false }
 * // targets     label-smoothing { epsilon: 0.1 }
 */
export const planLines = (plan: readonly PlanStage[]): string[] =>
  describePlan(plan).map((line) => `${line.stage.padEnd(12)}${line.name} ${line.options}`.trimEnd())

/**
 * The same in parts.
 *
 * @example
 * const [{ name }] = describePlan(compose([cutout()]).plan())
 */
export const describePlan = (plan: readonly PlanStage[]): PlanLine[] =>
  plan.flatMap(({ stage, tricks }) => tricks.map((trick) => planLine(stage, trick)))

function describe({ name, options, tricks }: PlanTrick): string {
  const own = format(options)
  const inner = tricks?.map(describe).join(', ')
  return [name, own === '{}' ? '' : ` ${own}`, inner ? ` (${inner})` : ''].join('')
}

function format(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(format).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
    const inner = entries.map(([key, entry]) => `${key}: ${format(entry)}`).join(', ')
    return inner === '' ? '{}' : `{ ${inner} }`
  }
  return typeof value === 'string' ? `'${value}'` : String(value)
}
