// Narrows the space by the user's JSON file.
import { readFileSync } from 'node:fs'
import { type Parameter, checkSpace, isChoice, type Space, type Value } from '@tricks/tune'
import { meant, UsageError } from '../usage.ts'
import { entryNamed } from './bag.ts'
import { allows, type Searched } from './space.ts'

/** The allowed forms of a parameter: one value, a list, or a range. */
type Given =
  | Value
  | readonly Value[]
  | { readonly min: number; readonly max: number; readonly scale?: 'linear' | 'log' }

/**
 * Reads `--space`: the parameters to change, each as a value, a list of values, or { "min", "max" }.
 *
 * @throws UsageError for a file that isn't such JSON
 */
export function readSpace(file: string): Readonly<Record<string, Given>> {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`--space: expected a JSON file, got ${file}: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`--space: expected an object of parameters in ${file}`)
  return value as Readonly<Record<string, Given>>
}

/**
 * Applies the user's parameters to the space.
 *
 * @throws UsageError naming the parameter: for an unknown one, a value that its declaration doesn't allow, an empty range, or
 * one that exists in no configuration
 */
export function narrowed(searched: Searched, given: Readonly<Record<string, Given>>): Searched {
  const names = Object.keys(searched.space)
  const space: Record<string, Parameter> = { ...searched.space }
  const start: Record<string, Value> = { ...searched.start }
  for (const [name, value] of Object.entries(given)) {
    const own = searched.space[name]
    if (!own)
      throw new UsageError(
        `--space: expected some of the parameters that tricks tune --dry lists, got ${name}${meant(name, names)}`,
      )
    const parameter = parameterOf(name, own, value)
    space[name] = parameter
    if (!allows(parameter, start[name]!))
      start[name] = isChoice(parameter) ? parameter.choices[0]! : middleOf(parameter)
  }
  for (const name of Object.keys(given)) checkReachable(name, space)
  // A trick that is never used has no options.
  for (const name of names) if (unreachable(name, space)) delete space[name]
  try {
    checkSpace(space)
  } catch (error) {
    throw new UsageError(`--space: ${(error as Error).message.replace(/^tune: /, '')}`)
  }
  return { space, start }
}

function parameterOf(name: string, own: Parameter, given: Given): Parameter {
  const when = own.when && { when: own.when }
  const wrong = (range: string): UsageError =>
    new UsageError(`--space: expected ${name} to be ${range}, got ${JSON.stringify(given)}`)
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
    const { min, max, scale, ...more } = given as Extract<Given, { min: number }>
    if (isChoice(own)) throw wrong(`some of ${own.choices.join(', ')}`)
    const isRange = [min, max].every(Number.isFinite) && min < max && Object.keys(more).length === 0
    if (!isRange) throw wrong('{ "min", "max" } with min below max')
    for (const bound of [min, max]) checkAllowed(name, bound, wrong)
    const onScale = scale ?? own.scale
    return {
      min,
      max,
      ...(onScale && { scale: onScale }),
      ...(own.step !== undefined && { step: own.step }),
      ...when,
    }
  }
  const choices = (Array.isArray(given) ? given : [given]) as readonly Value[]
  if (choices.length === 0 || new Set(choices).size < choices.length)
    throw wrong('a value, a list of different values, or { "min", "max" }')
  for (const choice of choices) {
    if (isChoice(own) && !own.choices.includes(choice))
      throw wrong(`some of ${own.choices.join(', ')}`)
    if (!isChoice(own)) checkAllowed(name, choice, wrong)
  }
  return { choices, ...when }
}

/** Checks against the option's declaration; values outside the search's range are allowed. */
function checkAllowed(name: string, value: Value, wrong: (range: string) => UsageError): void {
  const [trick, option] = name.split('.') as [string, string | undefined]
  if (option === undefined) return
  const kind = entryNamed(trick).declared.kinds[option]!
  const isDuration = kind.type === 'duration'
  if (!kind.accepts(isDuration ? { fraction: value } : value))
    throw wrong(isDuration ? 'a share of the run in (0, 1]' : kind.range)
}

/** Rejects a search of an option whose trick is never used. */
function checkReachable(name: string, space: Space): void {
  const never = unreachable(name, space)
  if (never)
    throw new UsageError(
      `--space: ${name} is searched, but ${never.parameter} is never ${never.is.join(' or ')}: leave out one of them`,
    )
}

/** The condition that never holds, of a parameter that exists in no configuration. */
function unreachable(name: string, space: Space): Parameter['when'] {
  const { when } = space[name]!
  if (!when) return undefined
  const owner = space[when.parameter]
  const isMet = owner && isChoice(owner) && when.is.some((value) => owner.choices.includes(value))
  return isMet ? unreachable(when.parameter, space) : when
}

function middleOf({ min, max, scale, step }: Exclude<Parameter, { choices: unknown }>): number {
  const middle = scale === 'log' ? Math.sqrt(min * max) : (min + max) / 2
  return step === undefined ? middle : min + Math.round((middle - min) / step) * step
}
