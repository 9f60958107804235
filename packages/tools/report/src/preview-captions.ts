import { keyOf, type Trick } from '@tricks/core'

/** Short lines that tell what a trick drew for the image in one place of a batch; none where it does nothing. */
export type Caption = (params: never, image: Place) => readonly string[]
export type Captions = Readonly<Record<string, Caption>>

export interface Place {
  readonly place: number
  /** Images in the batch. */
  readonly size: number
}

/**
 * What was drawn for an image, in words; through combinators, and for tricks that nobody wrote a caption for
 * by the names of what they drew.
 *
 * @example
 * captionsOf(randomFlip(), { flips: [true, false] }, { place: 0, size: 2 }) // ['flip']
 */
export function captionsOf(
  trick: Trick,
  params: unknown,
  image: Place,
  own: Captions = {},
): string[] {
  if (params === undefined) return []
  const inner = innerOf(trick, params, image.place)
  if (inner) return inner.flatMap(([child, drawn]) => captionsOf(child, drawn, image, own))
  const caption = own[trick.name] ?? captions[trick.name] ?? generic
  return [...caption(params as never, image)]
}

/** Which images of the batch are in the mixed image of a place; none where that is unknown. */
export function sourcesOf(trick: Trick, params: unknown, place: number): number[] {
  const inner = innerOf(trick, params, place)
  if (inner) return inner.flatMap(([child, drawn]) => sourcesOf(child, drawn, place))
  const { permutation, permutations } = params as {
    permutation?: ArrayLike<number>
    permutations?: readonly ArrayLike<number>[]
  }
  return (permutations ?? (permutation ? [permutation] : [])).map((order) => order[place]!)
}

/** A combinator's tricks that act on an image, with their draws; nothing for other tricks. */
function innerOf(trick: Trick, params: unknown, place: number): [Trick, unknown][] | undefined {
  if (!trick.tricks) return undefined
  const { choice, params: chosen } = params as {
    choice?: readonly number[]
    params?: Readonly<Record<string, unknown>>
  }
  const drawn = chosen ?? (params as Readonly<Record<string, unknown>>)
  return trick.tricks
    .filter((_, i) => choice === undefined || choice[place] === i)
    .filter((child) => drawn[keyOf(child)] !== undefined)
    .map((child) => [child, drawn[keyOf(child)]])
}

const minus = (text: string): string => text.replace('-', '−')
/** With its sign: '+0.05', '−2', '0'. */
const signed = (value: number, digits = 0): string => {
  const text = value.toFixed(digits)
  return Number(text) === 0 ? text.replace('-', '') : minus(value > 0 ? `+${text}` : text)
}
const short = (value: number): string => minus(String(Number(value.toFixed(2))))

const degrees = new Set(['Rotate'])
const fractions = new Set(['ShearX', 'ShearY', 'Color', 'Contrast', 'Brightness', 'Sharpness'])
const whole = new Set(['TranslateX', 'TranslateY'])
const levels = new Set(['Posterize', 'Solarize', 'Cutout'])
const plain = new Set(['AutoContrast', 'Equalize', 'Invert'])

/** 'Rotate +12°' */
function operation({ op, magnitude }: { op: string; magnitude: number }): string {
  if (plain.has(op)) return op
  if (degrees.has(op)) return `${op} ${signed(magnitude)}°`
  if (fractions.has(op)) return `${op} ${signed(magnitude, 2)}`
  if (whole.has(op)) return `${op} ${signed(magnitude)}`
  return `${op} ${levels.has(op) ? Math.round(magnitude) : short(magnitude)}`
}

type Numbers = ArrayLike<number>

const captions: Captions = {
  'random-crop': (
    { offsets, padding }: { offsets: readonly (readonly [number, number])[]; padding: number },
    { place },
  ) => {
    const [row, column] = offsets[place]!
    return [`crop ${signed(row - padding)} ${signed(column - padding)}`]
  },
  'random-resized-crop': (
    { boxes }: { boxes: readonly (readonly [number, number, number, number])[] },
    { place },
  ) => {
    const [row, column, height, width] = boxes[place]!
    return [`${height}×${width}`, `at ${row}, ${column}`]
  },
  'random-flip': ({ flips }: { flips: readonly boolean[] }, { place }) =>
    flips[place] ? ['flip'] : [],
  'random-rotation': ({ degrees: turns }: { degrees: Numbers }, { place }) => [
    `turn ${signed(turns[place]!)}°`,
  ],
  'color-jitter': (
    {
      brightness,
      contrast,
      saturation,
      hue,
      shift,
    }: {
      brightness?: Numbers
      contrast?: Numbers
      saturation?: Numbers
      hue?: Numbers
      shift?: readonly Numbers[]
    },
    { place },
  ) => [
    ...(brightness ? [`light ${brightness[place]!.toFixed(2)}`] : []),
    ...(contrast ? [`contrast ${contrast[place]!.toFixed(2)}`] : []),
    ...(saturation ? [`colour ${saturation[place]!.toFixed(2)}`] : []),
    ...(hue ? [`hue ${signed(hue[place]! * 360)}°`] : []),
    ...(shift ? [`shift ${Array.from(shift[place]!, (each) => signed(each, 2)).join(' ')}`] : []),
  ],
  'pca-lighting': ({ alphas }: { alphas: readonly Numbers[] }, { place }) => [
    `α ${Array.from(alphas[place]!, (alpha) => signed(alpha, 2).replace('0.', '.')).join(' ')}`,
  ],
  autoaugment: (
    { steps }: { steps: readonly (readonly ({ op: string; magnitude: number } | null)[])[] },
    { place },
  ) => steps[place]!.flatMap((step) => (step ? [operation(step)] : [])),
  cutout: (
    { centers }: { centers: readonly (readonly (readonly [number, number])[])[] },
    { place },
  ) => centers[place]!.map(([row, column]) => `cutout ${row}, ${column}`),
  'random-erasing': (
    { boxes }: { boxes: readonly (readonly [number, number, number, number] | null)[] },
    { place },
  ) => {
    const box = boxes[place]
    return box ? [`erase ${box[2]}×${box[3]}`, `at ${box[0]}, ${box[1]}`] : []
  },
  mixup: ({ lambda }: { lambda: number | readonly number[] }, { place }) => [
    `λ ${(typeof lambda === 'number' ? lambda : lambda[place]!).toFixed(2)}`,
  ],
  ricap: ({ boundary: [row, column] }: { boundary: readonly [number, number] }) => [
    `meet ${row}, ${column}`,
  ],
}

/** What has an entry an image, by its name. */
function generic(params: unknown, { place, size }: Place): string[] {
  if (typeof params !== 'object' || params === null) return []
  return Object.entries(params as Record<string, unknown>).flatMap(([name, values]) => {
    const list = Array.isArray(values) || ArrayBuffer.isView(values)
    if (list && (values as unknown as ArrayLike<unknown>).length === size)
      return tell(name, (values as unknown as ArrayLike<unknown>)[place])
    return typeof values === 'number' ? tell(name, values) : []
  })
}

function tell(name: string, value: unknown): string[] {
  const text = words(value)
  return text === undefined ? [] : [`${name} ${text}`]
}

/** Numbers, booleans, words and short lists of them. */
function words(value: unknown): string | undefined {
  if (typeof value === 'number') return short(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value
  if (!(Array.isArray(value) || ArrayBuffer.isView(value))) return undefined
  const parts = Array.from(value as unknown as ArrayLike<unknown>, words)
  return parts.length <= 4 && parts.every((part) => part !== undefined)
    ? parts.join(', ')
    : undefined
}
