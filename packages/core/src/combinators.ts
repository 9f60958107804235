import * as tf from '@tensorflow/tfjs-core'
import { combine } from './combine.ts'
import { type IsActive, entryOf, keyOf, tidied } from './combine-batch.ts'
import { assertArgument } from './option.ts'
import type { Random } from './random.ts'
import type { Stage } from './stages.ts'
import { type Duration, isDuration, stepsOf } from './time.ts'
import type { Augmentation, Json, Trick } from './trick.ts'

/**
 * Applies one of several tricks, chosen at random by weight: per image if all are image tricks, otherwise per step.
 *
 * @param choices pairs of a trick and its weight, above 0; weights need not sum to 1
 * @throws RangeError for an empty list or a weight of 0 or less; Error for a trick that sets the rate
 * @example
 * oneOf([[mixup(), 1], [ricap(), 1]])
 */
export function oneOf(
  choices: readonly (readonly [Trick, number])[],
  { key }: { readonly key?: string } = {},
): Trick {
  const pairs = Array.isArray(choices)
  const weights = (pairs ? choices.map((each) => each?.[1]) : choices) as readonly number[]
  assertArgument(
    pairs && weights.length > 0 && weights.every((each) => Number.isFinite(each) && each > 0),
    'oneOf',
    { weights },
    'above 0, in a list of [trick, weight]',
  )
  return byChance(
    'oneOf',
    choices.map(([trick]) => trick),
    { weights },
    key,
    weights,
  )
}

/**
 * Applies a trick with a given probability: per image if it is an image trick, otherwise per step.
 *
 * @param probability in [0, 1]
 * @throws RangeError for another probability; Error for a trick that sets the rate
 * @example
 * sometimes(0.5, cutout({ length: 16 }))
 */
export function sometimes(
  probability: number,
  trick: Trick,
  { key }: { readonly key?: string } = {},
): Trick {
  const share = Number.isFinite(probability) && probability >= 0 && probability <= 1
  assertArgument(share, 'sometimes', { probability }, 'a number in [0, 1]')
  return byChance('sometimes', [trick], { probability }, key, [probability], 1)
}

/**
 * Applies a trick only in part of the run; outside the window it does nothing.
 *
 * @param window `from` (inclusive, by default the start) and `until` (exclusive, by default the end)
 * @throws RangeError for a duration that does not have exactly one unit
 * @example
 * during({ until: { fraction: 0.9 } }, mixup())
 */
export function during(
  window: { readonly from?: Duration; readonly until?: Duration },
  trick: Trick,
  { key }: { readonly key?: string } = {},
): Trick {
  const bounds = Object.entries(Object(window) as typeof window)
  assertArgument(
    Object(window) === window &&
      bounds.every(
        ([name, at]) =>
          (name === 'from' || name === 'until') && (at === undefined || isDuration(at)),
      ),
    'during',
    { window },
    '{ from, until } in { steps }, { epochs } or { fraction }',
  )
  const acts: IsActive = (_, time) =>
    bounds.every(([name, at]) => !at || time.step < stepsOf(at, time) === (name === 'until'))
  return combinator('during', [trick], { ...window }, key, acts)
}

function combinator(
  name: string,
  tricks: readonly Trick[],
  options: Json,
  key: string | undefined,
  acts: IsActive,
  choose?: (random: Random) => number,
): Trick {
  const own = Object.entries(combine(name, tricks, acts)).filter(([stage]) =>
    tricks.some((trick) => trick[stage as Stage]),
  )
  return {
    ...Object.fromEntries(own),
    name,
    key: key ?? `${name}(${tricks.map(keyOf).join(',')})`,
    options,
    tricks,
    setsRate: tricks.some((trick) => trick.setsRate),
    ...(choose &&
      tricks.every((trick) => trick.images) &&
      own.every(([stage]) => stage === 'start' || stage === 'images') && {
        images: imageByImage(tricks, choose),
      }),
  }
}

/** Draws a number in [0, total); the trick whose weight interval contains it is applied. */
function byChance(
  name: string,
  tricks: readonly Trick[],
  options: Json,
  key: string | undefined,
  weights: readonly number[],
  total = weights.reduce((sum, weight) => sum + weight),
): Trick {
  const choose = (random: Random): number => {
    const drawn = random.fork('choice').uniform(0, total)
    let end = 0
    return weights.findIndex((weight) => drawn < (end += weight))
  }
  // Stages without their own random stream apply to the whole run, so all tricks take part.
  const acts: IsActive = (i, _, random) => !random || choose(random) === i
  const chance = combinator(name, tricks, options, key, acts, choose)
  const setter = tricks.find((trick) => trick.learningRate)
  if (setter) throw new Error(`${name}: '${setter.name}' sets the learning rate: use during`)
  return chance
}

interface Chosen {
  /** The index of the chosen trick for each image, or -1. */
  readonly choice: readonly number[]
  /** By trick key. */
  readonly params: Readonly<Record<string, unknown>>
}

/** Runs each trick on the whole batch and takes each image from the result of the trick that it chose. */
function imageByImage(
  tricks: readonly Trick[],
  choose: (random: Random) => number,
): Augmentation<tf.Tensor4D, Chosen> {
  return {
    draw(random, shape, time) {
      const choice = random.images(shape.batch, choose)
      const { images } = combine('', tricks, (i) => choice.includes(i))
      const params = images.draw(random, shape, time) as Chosen['params'] | undefined
      return params && { choice, params }
    },
    apply: (images, { choice, params }) =>
      tidied(() => {
        const versions = [images]
        const indices = tricks.map((trick) => {
          const own = entryOf(trick, params)
          if (own === undefined) return 0
          const changed = trick.images!.apply(images, own)
          if (String(changed.shape) !== String(images.shape))
            throw new Error(`'${trick.name}' changes the images' size: apply it to all`)
          return versions.push(changed) - 1
        })
        const rows = choice.map((i, image) => (indices[i] ?? 0) * choice.length + image)
        return tf.gather(tf.concat(versions), tf.tensor1d(rows, 'int32'))
      }),
    describe({ choice, params }, image) {
      const trick = tricks[choice[image]!]
      return (trick && trick.images!.describe?.(entryOf(trick, params), image)) ?? ''
    },
  }
}
