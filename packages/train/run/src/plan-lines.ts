import type { PlanStage, PlanTrick } from '@tricks/core'

type Stage = PlanStage['stage']

/** A trick of a pipeline, as text. */
export interface PlanLine {
  /** The stage in which it does its main work. */
  readonly stage: string
  readonly name: string
  /** As in code, fractions to six digits: `{ length: 16 }`; a combinator's tricks follow in parentheses. */
  readonly options: string
}

const names: Readonly<Record<string, string>> = {
  learningRate: 'rate',
  multipliers: 'rate per variable',
  afterStep: 'after step',
  afterEpoch: 'after epoch',
}

/**
 * Formats a pipeline's plan as lines of text: stage, trick, options.
 *
 * @example
 * console.log(planLines(compose([labelSmoothing(), cutout({ length: 16 })]).plan()).join('\n'))
 * // images      cutout { length: 16, holes: 1, fill: 'mean', inside: false }
 * // targets     label-smoothing { epsilon: 0.1 }
 */
export function planLines(plan: readonly PlanStage[]): string[] {
  const lines = describePlan(plan)
  const width = Math.max(11, ...lines.map(({ stage }) => stage.length)) + 1
  return lines.map((line) => `${line.stage.padEnd(width)}${line.name} ${line.options}`.trimEnd())
}

/**
 * The columns of `planLines`, as data. A trick with hooks in several stages is listed once.
 *
 * @example
 * const names = describePlan(compose([cutout()]).plan()).map(({ name }) => name)
 */
export const describePlan = (plan: readonly PlanStage[]): PlanLine[] =>
  plan.flatMap(({ stage, tricks }) =>
    tricks
      .filter(({ key }) => mainStage(plan, key) === stage)
      .map((trick) => ({
        stage: names[stage] ?? stage,
        name: trick.name,
        options: settingsOf(trick),
      })),
  )

/** Hooks that prepare or follow up what a trick does elsewhere, the least informative last. */
const minor: readonly Stage[] = ['prepare', 'afterStep', 'observe', 'afterEpoch', 'finish', 'start']

function mainStage(plan: readonly PlanStage[], key: string): Stage {
  const own = plan
    .filter(({ tricks }) => tricks.some((trick) => trick.key === key))
    .map(({ stage }) => stage)
  return own.find((stage) => !minor.includes(stage)) ?? minor.find((stage) => own.includes(stage))!
}

/** Options, an explicit key, and a combinator's tricks in parentheses. */
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
  if (typeof value === 'number' && !Number.isInteger(value)) return `${+value.toPrecision(6)}`
  return typeof value === 'string' ? `'${value}'` : String(value)
}
