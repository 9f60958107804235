import { backendNames } from '@tricks/backend'
import { boolean, checked, choice, integer, type Kind } from '@tricks/core/options'
import { modelNames } from '@tricks/models'
import { progressModes, type Settings } from '@tricks/run'
import { meant, quoted, UsageError } from './usage.ts'

/** A flag of the command line: what it may be, and what it means. */
interface Flag<T = unknown> {
  readonly kind: Kind<T>
  /** As in the help: `<n>`; none for a switch. */
  readonly value?: string
  readonly meaning: string
}

const text = checked<string>(
  'text that is not empty',
  (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
)
const flag = <T>(kind: Kind<T>, value: string, meaning: string): Flag<T> => ({
  kind,
  value,
  meaning,
})
const toggle = (meaning: string): Flag<boolean> => ({ kind: boolean({}), meaning })

/** Every flag once; commands name those that they take. */
export const flags = {
  recipe: flag(
    text,
    '<name or file>',
    'What to train with: see `recipes`, or your own ./my.recipe.ts',
  ),
  model: flag(choice(modelNames), '<name>', "A network of @tricks/models in place of the recipe's"),
  epochs: flag(integer({ min: 1 }), '<n>', "How long, in place of the recipe's"),
  seed: flag(
    integer({ min: 0, max: 2 ** 32 - 1 }),
    '<n>',
    'Seed of everything random (default: 0)',
  ),
  backend: flag(
    choice(backendNames),
    '<name>',
    `${backendNames.join(', ')} (default: the fastest present)`,
  ),
  precision: flag(
    choice(['float32', 'bfloat16']),
    '<name>',
    "float32, or bfloat16 if the processor has it (default: the recipe's)",
  ),
  data: flag(
    text,
    '<folder>',
    'CIFAR in the official binary layout, in place of the images included',
  ),
  limit: flag(integer({ min: 2 }), '<n>', 'Train on so many of the images only'),
  size: flag(
    integer({ min: 8, max: 4096 }),
    '<pixels>',
    "Side that pictures are scaled to (default: the recipe's)",
  ),
  skipBroken: toggle('Leave out pictures that cannot be read, and list them'),
  out: flag(text, '<path>', 'Where the result goes'),
  saveEvery: flag(
    integer({ min: 1 }),
    '<steps>',
    'Steps between checkpoints (default: an epoch, at most a minute)',
  ),
  teacher: flag(
    text,
    '<run>',
    'The run to distil from (default: one is trained first if the recipe needs it)',
  ),
  microBatch: flag(
    integer({ min: 1 }),
    '<n>',
    'Images that pass through the network at once, to save memory',
  ),
  nonFinite: flag(
    choice(['stop', 'skip']),
    '<what>',
    'What a NaN does: stop the run (default), or skip the step',
  ),
  progress: flag(
    choice(progressModes),
    '<how>',
    `${progressModes.join(', ')} (default: bars in a terminal)`,
  ),
  tensorboard: toggle('Also write what TensorBoard reads'),
  step: flag(integer({ min: 0 }), '<n>', 'The step to show, from 0'),
  images: flag(integer({ min: 1 }), '<n>', 'How many'),
  svg: flag(text, '<file>', 'Write an SVG in place of the plot in the terminal'),
  top: flag(integer({ min: 1 }), '<n>', 'How many classes to print (default: 3)'),
  json: toggle('Print JSON, for programs'),
  probabilities: toggle('The model returns probabilities in place of logits'),
  onnx: toggle('Write ONNX files, with float32 and with int8 weights, and measure both'),
  layout: flag(
    choice(['nhwc', 'nchw']),
    '<order>',
    "Axes of the ONNX files' input: nhwc (default, channels last) or nchw",
  ),
  seeds: flag(integer({ min: 1 }), '<n>', 'Runs per arm'),
  measured: flag(integer({ min: 10 }), '<n>', 'Images to measure on, which no run sees'),
  processes: flag(
    integer({ min: 1 }),
    '<n>',
    'Runs at once, a thread each (default: one per core)',
  ),
  only: flag(text, '<names>', 'These comparisons only, separated by commas'),
} as const satisfies Record<string, Flag>

export type FlagName = keyof typeof flags
type TypeOf<F> = F extends Flag<infer T> ? T : never
export type Flags<N extends FlagName = FlagName> = { readonly [K in N]?: TypeOf<(typeof flags)[K]> }

/** As people type it: saveEvery is --save-every. */
export const dashed = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/**
 * What a flag's text means.
 *
 * @throws UsageError naming the flag, what it may be, and what came
 */
export function parseFlag(name: FlagName, written: string): unknown {
  const { type } = flags[name].kind as Kind
  const isNumber = type === 'integer' && /^[-+]?\d/.test(written)
  const value = isNumber ? Number(written) : written
  checkFlag(name, value, `--${dashed(name)}`)
  return value
}

/**
 * Holds a value to what its flag may be, wherever it comes from.
 *
 * @throws UsageError naming it, what it may be, and what came
 */
export function checkFlag(name: FlagName, value: unknown, called: string): void {
  const { accepts, range, choices } = flags[name].kind as Kind
  if (accepts(value)) return
  const near = choices ? meant(String(value), choices as readonly string[]) : ''
  const got = typeof value === 'string' ? (value === '' ? 'nothing' : value) : JSON.stringify(value)
  throw new UsageError(`${called}: expected ${range}, got ${got}${near}`)
}

/**
 * Holds what run.json says to what the flags of the same names may be.
 *
 * @throws Error naming the setting
 */
export function checkSettings(folder: string, settings: Settings): void {
  for (const [name, value] of Object.entries(settings))
    try {
      checkFlag(name as FlagName, value, `settings.${name}`)
    } catch (error) {
      const { message } = error as Error
      throw new Error(`${folder} holds no run that can be resumed: run.json: ${message}`, {
        cause: error,
      })
    }
}

/** Flags as one types them, for the command that does the same again. */
export const written = (given: Readonly<Record<string, unknown>>): string =>
  Object.entries(given)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => `--${dashed(name)}${value === true ? '' : ` ${quoted(String(value))}`}`)
    .join(' ')
