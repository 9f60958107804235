import type { Random } from '@tricks/core'
import {
  type Configuration,
  configure,
  drawValue,
  isChoice,
  type Parameter,
  searchRange,
  type Space,
  type Value,
} from '@tricks/tune'
import { type Bag, callOf, type Call, warmupEntry } from './bag.ts'
import { type Base, keptKeys } from './base.ts'
import { catalogue, type Entry, type Group, optimizers } from './catalogue.ts'

/** The space around a recipe. */
export interface Searched {
  readonly space: Space
  /** The recipe's value of each parameter, or the start of the search if it has none. */
  readonly start: Configuration
}

const none = 'none'
/** Schedules that include a warm-up. */
const alreadyWarm = ['one-cycle', 'warmup-stable-decay']
/** The probability that a candidate keeps the choice of a trick, or an option, of the recipe or of a good candidate. */
export const keptShare = (name: string): number => (name.includes('.') ? 0.5 : 0.8)

/**
 * The space of a recipe: each trick of the catalogue on or off, at most one of each group of alternatives, and their
 * options whose declarations give a range; the optimizer with its options; the batch size.
 */
export function spaceOf(base: Base): Searched {
  const space: Record<string, Parameter> = {}
  const start: Record<string, Value> = {}
  const declare = (name: string, parameter: Parameter, value: Value): void => {
    space[name] = parameter
    start[name] = value
  }
  const sizes = [base.batchSize / 2, base.batchSize, base.batchSize * 2]
  const batchSizes = sizes.filter((size) => Number.isInteger(size) && size >= 1)
  declare('batchSize', { choices: batchSizes }, base.batchSize)
  /** The options of a trick or optimizer, which exist under a condition. */
  const options = (entry: Entry<unknown>, when: NonNullable<Parameter['when']>): void => {
    const own = valuesOf(base, entry)
    for (const [option, kind] of Object.entries(entry.declared.kinds)) {
      const range = entry.fixed.includes(option) ? undefined : searchRange(kind, own[option])
      if (!range) continue
      const value = own[option] as Value | { readonly fraction: number }
      declare(
        `${entry.name}.${option}`,
        { ...range, when },
        typeof value === 'object' && value !== null ? value.fraction : value,
      )
    }
  }

  if (base.optimizer) {
    declare('optimizer', { choices: optimizers.map(({ name }) => name) }, base.optimizer.name)
    for (const entry of optimizers) options(entry, { parameter: 'optimizer', is: [entry.name] })
  }
  const groups = new Map<Group, Entry[]>()
  for (const entry of catalogue) {
    const { group, name } = entry
    if (group) groups.set(group, [...(groups.get(group) ?? []), entry])
    else {
      declare(name, { choices: [false, true] }, isUsed(base, name))
      options(entry, { parameter: name, is: [true] })
    }
  }
  for (const [group, members] of groups) {
    if (isTaken(base, group)) continue
    const names = members.map(({ name }) => name)
    const own =
      group === 'schedule' ? base.schedule?.name : names.find((name) => isUsed(base, name))
    declare(group, { choices: [none, ...names] }, own ?? none)
    for (const entry of members) options(entry, { parameter: group, is: [entry.name] })
    if (group !== 'schedule') continue
    const cold = [none, ...names].filter((name) => !alreadyWarm.includes(name))
    const when = { parameter: group, is: cold }
    declare('warmup', { choices: [false, true], when }, base.warmup !== undefined)
    options(warmupEntry, { parameter: 'warmup', is: [true] })
  }
  return { space, start }
}

const isUsed = ({ tricks }: Base, name: string): boolean =>
  tricks.some((trick) => trick.name === name)

/** Whether a trick that is not varied excludes a group. */
const isTaken = ({ kept: own }: Base, group: Group): boolean =>
  own.some((trick) =>
    group === 'mix' ? trick.mix !== undefined : group === 'schedule' && trick.setsRate,
  )

/** The recipe's values of an entry's options, or the start of the search. */
function valuesOf(base: Base, { name, start, declared }: Entry<unknown>): Record<string, unknown> {
  const defaults = Object.entries(declared.kinds).map(([key, kind]) => [key, kind.default])
  const all = [base.optimizer, base.warmup, base.schedule, ...base.tricks]
  const own = all.find((call) => call?.name === name)
  return {
    ...Object.fromEntries(defaults),
    ...(own ? own.options : start),
    // With a warm-up, the searched rate is the highest one.
    ...(own && own === base.optimizer && { learningRate: base.peak }),
  }
}

/** The recipe as a configuration. */
export const startOf = ({ space, start }: Searched): Configuration =>
  configure(space, (name) => start[name]!)

/** Draws a configuration near the recipe: it keeps most of the choices, so that few tricks are added at once. */
export function drawNear({ space, start }: Searched, random: Random): Configuration {
  return configure(space, (name, parameter) => {
    const own = random.fork(name)
    const keep = own.uniform() < keptShare(name)
    return keep && allows(parameter, start[name]!) ? start[name]! : drawValue(parameter, own)
  })
}

/** Whether a parameter allows a value. */
export function allows(parameter: Parameter, value: Value): boolean {
  if (isChoice(parameter)) return parameter.choices.includes(value)
  return typeof value === 'number' && value >= parameter.min && value <= parameter.max
}

/** The tricks of a configuration. */
export function bagOf(base: Base, configuration: Configuration): Bag {
  const make = (entry: Entry<unknown>, after?: Call, more: object = {}): Call =>
    callOf(entry, { ...valuesOf(base, entry), ...optionsIn(configuration, entry), ...more }, after)
  const isOn = ({ name, group }: Entry): boolean =>
    group ? configuration[group] === name : configuration[name] === true
  const isWarm = configuration['warmup'] === true
  const optimizer = optimizers.find(({ name }) => name === configuration['optimizer'])
  const schedule = catalogue.find((entry) => entry.group === 'schedule' && isOn(entry))
  const rate = schedule && make(schedule)
  const warm = isWarm ? make(warmupEntry, rate) : rate
  const multiplier = isWarm ? (warm!.options['multiplier'] as number) : 1
  const peak = optimizer
    ? ((configuration[`${optimizer.name}.learningRate`] as number | undefined) ?? base.peak)
    : base.peak
  return {
    batchSize: configuration['batchSize'] as number,
    ...(optimizer && {
      optimizer: make(optimizer, undefined, { learningRate: peak / multiplier }),
    }),
    tricks: [
      ...catalogue
        .filter((entry) => entry.group !== 'schedule' && isOn(entry))
        .map((each) => make(each)),
      ...keptKeys(base).map((key) => ({ kept: key })),
      ...(warm ? [warm] : []),
    ],
  }
}

/** An entry's options in a configuration; a duration is a share of the run. */
function optionsIn(
  configuration: Configuration,
  { name, declared }: Entry<unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(declared.kinds).flatMap(([option, { type }]) => {
      const value = configuration[`${name}.${option}`]
      if (value === undefined) return []
      return [[option, type === 'duration' ? { fraction: value } : value]]
    }),
  )
}
