import type { Json, PlanStage, PlanTrick } from '@tricks/core'

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

export const planLine = (stage: string, trick: PlanTrick): PlanLine => {
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
  plan.flatMap(({ stage, tricks }) =>
    tricks
      .map((trick) => planLine(stage, trick))
      .map((line) => `${line.stage.padEnd(12)}${line.name} ${line.options}`.trimEnd()),
  )

/** The plan in a record; what is not one is left out, as a record may be damaged. */
export function planOf(value: Json | undefined): PlanStage[] {
  const stages = Array.isArray(value) ? (value as unknown[]) : []
  return stages.filter(
    (stage): stage is PlanStage =>
      isObject(stage) && typeof stage['stage'] === 'string' && areTricks(stage['tricks']),
  )
}

const areTricks = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (trick: unknown) =>
      isObject(trick) &&
      typeof trick['name'] === 'string' &&
      (trick['tricks'] === undefined || areTricks(trick['tricks'])),
  )

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

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
