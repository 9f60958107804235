import * as tf from '@tensorflow/tfjs-core'
import { combine, keyOf, tidied } from './combine.ts'
import { assertOption } from './option.ts'
import type { Random } from './random.ts'
import { type Duration, isDuration, stepsOf, type Time } from './time.ts'
import type { Augmentation, Json, Trick } from './trick.ts'

/**
 * Does one of several tricks, chosen with the given odds: for each image where all of them are image
 * tricks, else for each step.
 *
 * @param choices pairs of a trick and its weight, above 0; weights need not sum to 1
 * @throws RangeError for no choice or a weight that isn't above 0; Error for a trick that sets the rate
 * @example
 * oneOf([[mixup(), 1], [ricap(), 1]])
 */
export function oneOf(
  choices: readonly (readonly [Trick, number])[],
  { key }: { readonly key?: string } = {},
): Trick {
  assertOption(
    Array.isArray(choices) && choices.length > 0,
    'oneOf',
    { choices },
    'a list of [trick, weight]',
  )
  for (const choice of choices) {
    const [trick, weight] = Array.isArray(choice) ? (choice as unknown[]) : []
    const pair = typeof (trick as Trick | undefined)?.name === 'string' && weight !== undefined
    assertOption(pair, 'oneOf', { choices }, 'a list of [trick, weight]')
  }
  for (const [, weight] of choices)
    assertOption(weight > 0 && Number.isFinite(weight), 'oneOf', { weight }, 'a number above 0')
  const tricks = choices.map(([trick]) => trick)
  const total = choices.reduce((sum, [, weight]) => sum + weight, 0)
  const options = { weights: choices.map(([, weight]) => weight) }
  return byChance('oneOf', tricks, options, key, (random) => {
    let left = random.uniform(0, total)
    const chosen = choices.findIndex(([, weight]) => (left -= weight) < 0)
    // Rounding may leave a hair above the last weight.
    return chosen === -1 ? choices.length - 1 : chosen
  })
}

/**
 * Does a trick with some probability: for each image where it is an image trick, else for each step.
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
  assertOption(
    probability >= 0 && probability <= 1,
    'sometimes',
    { probability },
    'a number in [0, 1]',
  )
  return byChance('sometimes', [trick], { probability }, key, (random) =>
    random.uniform() < probability ? 0 : undefined,
  )
}

/**
 * Does a trick in a part of the run only; outside it the trick does nothing.
 *
 * @param window `from` (inclusive, by default the start) and `until` (exclusive, by default the end)
 * @throws RangeError for a duration of no or several units
 * @example
 * during({ until: { fraction: 0.9 } }, mixup())
 */
export function during(
  window: { readonly from?: Duration; readonly until?: Duration },
  trick: Trick,
  { key }: { readonly key?: string } = {},
): Trick {
  for (const option of ['from', 'until'] as const)
    if (window[option] !== undefined)
      assertOption(
        isDuration(window[option]),
        'during',
        { [option]: window[option] },
        'one of { steps }, { epochs } and { fraction }, at least 0',
      )
  const { from, until } = window
  const acts = (_: number, time: Time): boolean =>
    (from === undefined || time.step >= stepsOf(from, time)) &&
    (until === undefined || time.step < stepsOf(until, time))
  return {
    ...combine('during', [trick], acts),
    name: 'during',
    key: key ?? `during(${keyOf(trick)})`,
    options: { ...window },
    tricks: [trick],
  }
}

/** A combinator that draws which of its tricks acts, if any. */
function byChance(
  name: string,
  tricks: readonly Trick[],
  options: Json,
  key: string | undefined,
  choose: (random: Random) => number | undefined,
): Trick {
  const setter = tricks.find((trick) => trick.learningRate !== undefined)
  if (setter)
    throw new Error(
      `${name}: '${setter.name}' sets the learning rate, which can't be left to chance; ` +
        `use during(window, ${setter.name}) for a part of the run`,
    )
  const chosen = (random: Random): number | undefined => choose(random.fork('choice'))
  // Metrics and epochs are no step's: all of the tricks hear of them.
  const hooks = combine(name, tricks, (i, _, random) => !random || chosen(random) === i)
  const imagesOnly = tricks.every((trick) => trick.images && !stepHooks.some((hook) => trick[hook]))
  return {
    ...hooks,
    ...(imagesOnly && { images: imageByImage(tricks, chosen) }),
    name,
    key: key ?? `${name}(${tricks.map(keyOf).join(',')})`,
    options,
    tricks,
  }
}

const stepHooks = [
  'mix',
  'targets',
  'prepare',
  'loss',
  'penalty',
  'gradients',
  'afterStep',
] as const

interface Chosen {
  readonly choice: readonly (number | null)[]
  readonly params: Readonly<Record<string, unknown>>
}

/** Each trick runs on the whole batch, and each image is taken from the one that it drew. */
function imageByImage(
  tricks: readonly Trick[],
  choose: (random: Random) => number | undefined,
): Augmentation<tf.Tensor4D, Chosen> {
  return {
    draw(random, shape, time) {
      const choice = random.images(shape.batch, (image) => choose(image) ?? null)
      if (choice.every((i) => i === null)) return undefined
      const used = tricks.filter((_, i) => choice.includes(i))
      const params = used.map((trick) => [
        keyOf(trick),
        trick.images!.draw(random.fork(keyOf(trick)), shape, time),
      ])
      return { choice, params: Object.fromEntries(params) as Chosen['params'] }
    },
    apply: (images, { choice, params }) =>
      tidied(() => {
        const versions = [images]
        const places = tricks.map((trick) => {
          if (params[keyOf(trick)] === undefined) return 0
          const changed = trick.images!.apply(images, params[keyOf(trick)])
          if (changed.shape.join() !== images.shape.join())
            throw new Error(
              `'${trick.name}' changes the images' size from ${images.shape.slice(1, 3).join('×')} to ` +
                `${changed.shape.slice(1, 3).join('×')}, so it can't be applied to some images only`,
            )
          return versions.push(changed) - 1
        })
        if (versions.length === 1) return tf.clone(images)
        const rows = choice.map((i, image) => (i === null ? 0 : places[i]!) * choice.length + image)
        return tf.gather(tf.concat(versions), tf.tensor1d(rows, 'int32'))
      }),
  }
}
