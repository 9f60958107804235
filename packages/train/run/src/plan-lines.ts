import type { PlanStage, PlanTrick } from '@tricks/core'

/** A trick of a pipeline, as text. */
export interface PlanLine {
  readonly stage: string
  readonly name: string
  /** As in code: `{ length: 16 }`; a combinator's tricks follow in brackets. */
  readonly options: string
}

const names: Readonly<Record<string, string>> = {
  learningRate: 'rate',
  multipliers: 'rate per variable',
  afterStep: 'after step',
  afterEpoch: 'after epoch',
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
 * The lines of `planLines` in parts.
 *
 * @example
 * const [{ name }] = describePlan(compose([cutout()]).plan())
 */
export const describePlan = (plan: readonly PlanStage[]): PlanLine[] =>
  plan.flatMap(({ stage, tricks }) =>
    tricks.map((trick) => ({
      stage: names[stage] ?? stage,
      name: trick.name,
      options: settingsOf(trick),
    })),
  )

/** Options, a key of its own, and a combinator's tricks in brackets. */
function settingsOf({ name, key, options, tricks }: PlanTrick): string {
  const named = key !== name && key !== defaultKey(name, tricks)
  const own = format(named ? { ...(options as object), key } : options)
  const inner = tricks?.map((trick) => `${trick.name} ${settingsOf(trick)}`.trimEnd())
  return [own === '{}' ? [] : own, inner ? `(${inner.join(', ')})` : []].flat().join(' ')
}

const defaultKey = (name: string, tricks: readonly PlanTrick[] = []): string =>
  `${name}(${tricks.map(({ key }) => key).join(',')})`

function format(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(format).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
    const inner = entries.map(([key, entry]) => `${key}: ${format(entry)}`).join(', ')
    return inner === '' ? '{}' : `{ ${inner} }`
  }
  return typeof value === 'string' ? `'${value}'` : String(value)
}
