import { backendNames } from '@tricks/backend'
import { boolean, checked, choice, integer, type Kind, number } from '@tricks/core/options'
import { modelNames } from '@tricks/models'
import { progressModes, type Settings } from '@tricks/run'
import { meant, quoted, UsageError } from './usage.ts'

/** A command-line flag: its allowed values and its meaning. */
interface Flag<T = unknown> {
  readonly kind: Kind<T>
  /** As shown in the help: `<n>`; absent for a switch. */
  readonly value?: string
  readonly meaning: string
}

const text = checked<string>(
  'non-empty text',
  (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
)
const flag = <T>(kind: Kind<T>, value: string, meaning: string): Flag<T> => ({
  kind,
  value,
  meaning,
})
const toggle = (meaning: string): Flag<boolean> => ({ kind: boolean({}), meaning })

/** All flags; each command lists the ones that it accepts. */
export const flags = {
  recipe: flag(
    text,
    '<name or file>',
    'Recipe: a name from `tricks recipes`, or your own ./my.recipe.ts',
  ),
  model: flag(choice(modelNames), '<name>', "Network from @tricks/models (default: the recipe's)"),
  epochs: flag(integer({ min: 0 }), '<n>', "Number of epochs (default: the recipe's)"),
  seed: flag(integer({ min: 0, max: 2 ** 32 - 1 }), '<n>', 'Random seed (default: 0)'),
  backend: flag(
    choice(backendNames),
    '<name>',
    `${backendNames.join(', ')} (default: the fastest available)`,
  ),
  from: flag(
    text,
    '<weights>',
    'Initial weights: scratch, efficientnet-lite0, -lite1 or -lite2, or a file of weights',
  ),
  minutes: flag(
    number({ above: 0, max: 10_000 }),
    '<n>',
    'Approximate time in minutes to adapt a pretrained network to your pictures (default: 3)',
  ),
  views: flag(
    integer({ min: 1, max: 16 }),
    '<n>',
    'Augmented views of each picture to compute features of (default: as many as --minutes allows)',
  ),
  balance: toggle('Weight all classes equally, regardless of their numbers of pictures'),
  precision: flag(
    choice(['float32', 'bfloat16']),
    '<name>',
    "float32, or bfloat16 if the processor supports it (default: the recipe's)",
  ),
  data: flag(
    text,
    '<folder>',
    "Folder with CIFAR's official binary files (default: the images included)",
  ),
  limit: flag(integer({ min: 2 }), '<n>', 'Use only the first n training images'),
  size: flag(
    integer({ min: 8, max: 4096 }),
    '<pixels>',
    "Width and height that pictures are scaled to (default: the recipe's)",
  ),
  skipBroken: toggle('Skip unreadable pictures, and list them'),
  out: flag(text, '<path>', 'Folder or file for the result'),
  saveEvery: flag(
    integer({ min: 1 }),
    '<steps>',
    'Steps between checkpoints (default: every epoch, and at least every minute)',
  ),
  teacher: flag(
    text,
    '<run>',
    'Run to distil from (default: trained first if the recipe needs one)',
  ),
  microBatch: flag(integer({ min: 1 }), '<n>', 'Images per forward pass; lower it to save memory'),
  nonFinite: flag(
    choice(['stop', 'skip']),
    '<what>',
    'If a loss or gradient is NaN or infinite: stop the run (default), or skip the step',
  ),
  progress: flag(
    choice(progressModes),
    '<how>',
    `${progressModes.join(', ')} (default: bars in a terminal)`,
  ),
  tensorboard: toggle('Also write event files for TensorBoard'),
  step: flag(integer({ min: 0 }), '<n>', 'Step to show, from 0'),
  images: flag(integer({ min: 1 }), '<n>', 'Number of images to use'),
  svg: flag(text, '<file>', 'Write an SVG instead of plotting in the terminal'),
  top: flag(integer({ min: 1 }), '<n>', 'Number of classes to print (default: 3)'),
  json: toggle('Print JSON'),
  probabilities: toggle('Return probabilities instead of logits'),
  onnx: toggle('Write ONNX files with float32 and int8 weights, and measure both'),
  layout: flag(
    choice(['nhwc', 'nchw']),
    '<order>',
    "Axes of the ONNX files' input: nhwc (default, channels last) or nchw",
  ),
  seeds: flag(integer({ min: 1 }), '<n>', 'Number of seeds: runs of each configuration'),
  measured: flag(
    integer({ min: 10 }),
    '<n>',
    'Number of images to measure accuracy on, not used for training',
  ),
  processes: flag(
    integer({ min: 1 }),
    '<n>',
    'Runs in parallel, one thread each (default: one per core, fewer if memory is short)',
  ),
  queue: flag(text, '<address>', 'Queue of the trials: redis://…, postgres://…, or a folder'),
  storage: flag(text, '<folder>', 'Folder for checkpoints that all workers share'),
  untilEmpty: toggle('Exit when no trial has been waiting or running for a minute'),
  budget: flag(
    text,
    '<amount>',
    'Training budget: a time such as 2h or 90m, or a number of epochs such as 500epochs',
  ),
  space: flag(
    text,
    '<file>',
    'JSON file with the parameters to fix or narrow, by name (see --dry)',
  ),
  dry: toggle('Print the search space without training'),
  method: flag(
    choice(['pba', 'fast-autoaugment', 'autoaugment', 'rand-augment']),
    '<name>',
    "How to search: pba (Population Based Augmentation, default), fast-autoaugment, autoaugment, or rand-augment's grid",
  ),
  members: flag(
    integer({ min: 4, max: 1000 }),
    '<n>',
    'With pba, members of the population; with autoaugment, policies per update (default: 16)',
  ),
  reward: flag(
    choice(['mean', 'best-of-five']),
    '<name>',
    'With fast-autoaugment, the reward: mean accuracy over all augmented copies (default), or best-of-five per image',
  ),
  only: flag(text, '<names>', 'Compare only these, by name, separated by commas (default: all)'),
} as const satisfies Record<string, Flag>

export type FlagName = keyof typeof flags
type TypeOf<F> = F extends Flag<infer T> ? T : never
export type Flags<N extends FlagName = FlagName> = { readonly [K in N]?: TypeOf<(typeof flags)[K]> }

/** A flag's name on the command line: saveEvery is --save-every. */
export const dashed = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/**
 * Parses a flag's value.
 *
 * @throws UsageError naming the flag, the allowed values, and the value
 */
export function parseFlag(name: FlagName, written: string): unknown {
  const { type } = flags[name].kind as Kind
  const isNumber = (type === 'integer' || type === 'number') && /^[-+]?\d/.test(written)
  const value = isNumber ? Number(written) : written
  checkFlag(name, value, `--${dashed(name)}`)
  return value
}

/**
 * Checks a value against its flag's range, wherever it comes from.
 *
 * @throws UsageError naming the flag, the allowed values, and the value
 */
export function checkFlag(name: FlagName, value: unknown, called: string): void {
  const { accepts, range, choices } = flags[name].kind as Kind
  if (accepts(value)) return
  const near = choices ? meant(String(value), choices as readonly string[]) : ''
  const got = typeof value === 'string' ? (value === '' ? 'nothing' : value) : JSON.stringify(value)
  throw new UsageError(`${called}: expected ${range}, got ${got}${near}`)
}

/**
 * Checks the settings in run.json against the flags of the same names.
 *
 * @throws Error naming the setting
 */
export function checkSettings(folder: string, settings: Settings): void {
  for (const [name, value] of Object.entries(settings))
    try {
      checkFlag(name as FlagName, value, `settings.${name}`)
    } catch (error) {
      const { message } = error as Error
      throw new Error(`${folder} can't be resumed: run.json: ${message}`, {
        cause: error,
      })
    }
}

/** Formats flags for a command line that repeats the run. */
export const written = (given: Readonly<Record<string, unknown>>): string =>
  Object.entries(given)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => `--${dashed(name)}${value === true ? '' : ` ${quoted(String(value))}`}`)
    .join(' ')
