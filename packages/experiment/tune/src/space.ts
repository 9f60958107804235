import type { Random } from '@tricks/core'

/** A number in [min, max]; with a step, one of min, min + step, …, max. */
export interface NumberRange {
  readonly min: number
  readonly max: number
  /** The scale on which values are drawn and compared; default 'linear'. */
  readonly scale?: 'linear' | 'log'
  /** 1 for integers. Omitted: any number of the range. */
  readonly step?: number
}

/** One of several values. */
export interface Choices {
  readonly choices: readonly (string | number | boolean | null)[]
}

/** A parameter of a search. */
export type Parameter = (NumberRange | Choices) & {
  /** The parameter exists only in configurations in which another, declared before it, has one of these values. */
  readonly when?: { readonly parameter: string; readonly is: Choices['choices'] }
}

export type Space = Readonly<Record<string, Parameter>>
export type Value = Choices['choices'][number]
/** One configuration: a value for each parameter that exists in it. */
export type Configuration = Readonly<Record<string, Value>>

/**
 * Whether a parameter is one of several values, not a range.
 *
 * @example
 * isChoice({ choices: ['sgd', 'adam'] }) // true
 */
export const isChoice = (parameter: Parameter): parameter is Choices & Parameter =>
  'choices' in parameter

/**
 * Checks a space.
 *
 * @throws RangeError naming the parameter: for an empty or infinite range, a logarithmic range that reaches 0, a step
 * that does not divide the range, no choices or equal ones, or a condition that can never be met
 * @example
 * checkSpace({ rate: { min: 1e-3, max: 1, scale: 'log' } })
 */
export function checkSpace(space: Space): void {
  const names = Object.keys(space)
  expect(names.length > 0, 'a space', 'at least one parameter', 'none')
  for (const [i, name] of names.entries()) {
    const parameter = space[name]!
    if (isChoice(parameter)) checkChoices(name, parameter)
    else checkRange(name, parameter)
    if (parameter.when) checkCondition(name, parameter.when, space, names.slice(0, i))
  }
}

function expect(condition: boolean, name: string, expected: string, got: unknown): void {
  if (!condition)
    throw new RangeError(`tune: expected ${name} to be ${expected}, got ${JSON.stringify(got)}`)
}

function checkChoices(name: string, { choices }: Choices): void {
  const distinct = new Set(choices).size === choices.length
  expect(choices.length > 0 && distinct, name, 'a list of different choices', choices)
}

function checkRange(name: string, { min, max, scale, step }: NumberRange): void {
  const finite = Number.isFinite(min) && Number.isFinite(max)
  expect(finite && min < max, name, 'a range with finite min < max', { min, max })
  expect(scale !== 'log' || min > 0, name, 'above 0 on a logarithmic scale', { min, max })
  if (step === undefined) return
  const steps = (max - min) / step
  const divides = step > 0 && Math.abs(steps - Math.round(steps)) < 1e-9 * steps
  expect(divides, name, 'a range that its step divides', { min, max, step })
  // The first interval of a logarithmic scale begins half a step below min.
  expect(scale !== 'log' || min > step / 2, name, 'above half a step on a logarithmic scale', min)
}

function checkCondition(
  name: string,
  { parameter, is }: NonNullable<Parameter['when']>,
  space: Space,
  before: readonly string[],
): void {
  const other = before.includes(parameter) ? space[parameter]! : undefined
  const possible = other && isChoice(other) && is.some((value) => other.choices.includes(value))
  expect(Boolean(possible), `${name}'s condition`, 'a value of a choice declared before it', {
    parameter,
    is,
  })
}

/** Whether a parameter exists in a configuration whose earlier parameters are set. */
export function exists(parameter: Parameter, configuration: Configuration): boolean {
  const { when } = parameter
  return (
    !when || (when.parameter in configuration && when.is.includes(configuration[when.parameter]!))
  )
}

/**
 * Draws a configuration: each parameter that exists uniformly, on its scale.
 *
 * @param random by `createRandom`, so that the same seed gives the same configuration
 * @example
 * const space = { rate: { min: 1e-3, max: 1, scale: 'log' }, flip: { choices: [true, false] } } as const
 * const configuration = drawConfiguration(space, createRandom(1))
 */
export function drawConfiguration(space: Space, random: Random): Configuration {
  return configure(space, (name, parameter) => drawValue(parameter, random.fork(name)))
}

/**
 * Draws a value uniformly, on the parameter's scale.
 *
 * @example
 * const rate = drawValue({ min: 1e-3, max: 1, scale: 'log' }, createRandom(1))
 */
export function drawValue(parameter: Parameter, random: Random): Value {
  if (isChoice(parameter)) return parameter.choices[random.integer(0, parameter.choices.length)]!
  const { low, high, fromScale } = scaleOf(parameter)
  return onGrid(parameter, fromScale(random.uniform(low, high)))
}

/**
 * Sets the parameters that exist, in the space's order.
 *
 * @example
 * const space = { optimizer: { choices: ['sgd', 'adam'] }, rate: { min: 1e-3, max: 1 } } as const
 * const start = { optimizer: 'sgd', rate: 0.1 }
 * const configuration = configure(space, (name) => start[name as keyof typeof start])
 */
export function configure(
  space: Space,
  valueOf: (name: string, parameter: Parameter) => Value,
): Configuration {
  const configuration: Record<string, Value> = {}
  for (const [name, parameter] of Object.entries(space))
    if (exists(parameter, configuration)) configuration[name] = valueOf(name, parameter)
  return configuration
}

/** A range on its scale: with a step, half a step wider at both ends, so that each value has its own interval. */
export function scaleOf({ min, max, scale, step = 0 }: NumberRange): {
  readonly low: number
  readonly high: number
  toScale(value: number): number
  fromScale(value: number): number
} {
  const toScale = scale === 'log' ? Math.log : (value: number) => value
  const fromScale = scale === 'log' ? Math.exp : (value: number) => value
  return { low: toScale(min - step / 2), high: toScale(max + step / 2), toScale, fromScale }
}

/** The nearest value in the range. */
export function onGrid({ min, max, step }: NumberRange, value: number): number {
  const stepped = step === undefined ? value : min + Math.round((value - min) / step) * step
  return Math.min(max, Math.max(min, stepped))
}
