import type { Trick } from './trick.ts'

const stages = [
  ['setup', 'set-up'],
  ['images', 'images'],
  ['mix', 'mix'],
  ['targets', 'targets'],
  ['prepare', 'prepare'],
  ['loss', 'loss'],
  ['penalty', 'penalty'],
  ['gradients', 'gradients'],
  ['learningRate', 'rate'],
  ['afterStep', 'after step'],
  ['observe', 'observe'],
  ['afterEpoch', 'after epoch'],
  ['evaluation', 'evaluation'],
] as const satisfies readonly (readonly [keyof Trick, string])[]

/**
 * The tricks as they will run: a line a stage and trick, in the order of a step, options resolved.
 *
 * @example
 * console.log(explain([labelSmoothing(), cutout({ length: 16 })]))
 * // images      cutout { length: 16, holes: 1, fill: 'mean', inside: false }
 * // targets     label-smoothing { epsilon: 0.1 }
 */
export function explain(tricks: readonly Trick[]): string {
  return stages
    .flatMap(([hook, stage]) =>
      tricks.filter((trick) => trick[hook]).map((trick) => `${stage.padEnd(12)}${describe(trick)}`),
    )
    .join('\n')
}

function describe({ name, options, tricks }: Trick): string {
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
