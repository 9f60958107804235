import * as tf from '@tensorflow/tfjs-core'
import { createRandom, type Random, type Trick } from '@tricks/core'
import { composeRun, keyOf } from '@tricks/core/run'
import { listening } from '../listening.ts'
import { isRecord, type Law, law, same, show } from '../law.ts'
import { imagesOf, randomFor, shapeOf, type Size, sizeOf, timeAt } from '../scene.ts'

const trickSteps = [0, 1, 2, 3, 4, 5, 6, 7]

/** Draws depend only on seed, key, step and the image's index. */
export const draws: Law = law(
  1,
  'the same seed, name and step draw the same, whatever else is in the list',
  async ({ make }) => {
    for (const batch of [1, 2, 7]) {
      const size = sizeOf(batch)
      for (const hook of hooksOf(make())) {
        repeats(make, hook, size)
        streams(make, hook, size)
        alone(make, hook, size)
      }
      if (make().images) await shards(make, size)
    }
  },
  ({ make }) => hooksOf(make()).length > 0,
)

type Hook = 'images' | 'mix'

const hooksOf = (trick: Trick): readonly Hook[] =>
  (['images', 'mix'] as const).filter((hook) => trick[hook])

const drawAlone = (
  trick: Trick,
  hook: Hook,
  size: Size,
  step: number,
  random: Random = randomFor(trick, step),
  shape = shapeOf(size, step),
): unknown => trick[hook]!.draw(random, shape, timeAt(step))

function repeats(make: () => Trick, hook: Hook, size: Size): void {
  const trick = make()
  // Out of order, so that dependence on previous draws is detected.
  const first = trickSteps.map((step) => drawAlone(trick, hook, size, step))
  first.forEach((params, step) => checkReplayable(params, `at step ${step}`))
  for (const step of trickSteps.toReversed())
    for (const again of [drawAlone(trick, hook, size, step), drawAlone(make(), hook, size, step)])
      if (!same(first[step], again))
        throw new Error(
          `two draws for seed 1, step ${step} and a batch of ${size.batch} are ` +
            `${show(first[step])} and ${show(again)}. Use only the \`random\` passed to draw, ` +
            `and keep no state between calls`,
        )
}

function streams(make: () => Trick, hook: Hook, size: Size): void {
  const firstDraws = trickSteps.map((step) => {
    const values: number[] = []
    const trick = make()
    // Identifies each stream by a number.
    const onDraw = (stream: Random): void => void values.push(stream.fork('listening').uniform())
    drawAlone(trick, hook, size, step, listening(randomFor(trick, step), onDraw))
    return values
  })
  if (firstDraws[0]!.length > 0 && firstDraws.every((values) => same(values, firstDraws[0])))
    throw new Error(
      `steps 0 to 7 draw from one stream, so a batch of ${size.batch} gets the same random numbers ` +
        `in each. Use the \`random\` of the step directly, without random.at(…)`,
    )
}

function alone(make: () => Trick, hook: Hook, size: Size): void {
  const key = keyOf(make())
  const drawn = (tricks: readonly Trick[]): unknown => {
    const pipeline = composeRun(tricks, { seed: 1, mean: [0.5] })
    return pipeline.draw(shapeOf(size, 3), timeAt(3))[hook][key]
  }
  const expected = drawn([make()])
  for (const others of [
    [unrelated, make()],
    [make(), unrelated],
  ])
    if (!same(drawn(others), expected))
      throw new Error(
        `step 3 of a batch of ${size.batch} draws ${show(drawn(others))} with another trick in the ` +
          `list, ${show(expected)} without. Use only the \`random\` passed to draw, which ` +
          `belongs to this trick`,
      )
}

const unrelated: Trick = {
  name: 'stranger',
  options: {},
  images: {
    draw: (random, { batch }) => random.images(batch, (image) => image.uniform()),
    apply: (images) => tf.clone(images),
  },
}

/** Image i of the whole batch gets the same draws in a shard. */
async function shards(make: () => Trick, whole: Size): Promise<void> {
  const first = Math.floor(whole.batch / 3)
  const shard = { ...whole, batch: Math.ceil(whole.batch / 2) }
  const trick = make()
  for (const step of trickSteps) {
    const random = (place: number): Random => createRandom(1).at(step, place).fork(keyOf(trick))
    const shape = shapeOf(whole, step)
    const indices = Array.from(shape.indices!).slice(first, first + shard.batch)
    const all = drawAlone(trick, 'images', whole, step, random(0), shape)
    const own = { ...shape, batch: shard.batch, indices }
    const part = drawAlone(trick, 'images', shard, step, random(first), own)
    if (isSlice(all, part, whole.batch, shard.batch, first)) continue
    // Params may have any form; their effect is compared.
    const images = imagesOf(whole, step)
    const [expected, got] = tf.tidy(() => {
      const shown = tf.slice(images, first, shard.batch)
      const apply = (input: tf.Tensor4D, params: unknown): tf.Tensor4D =>
        params === undefined ? input : trick.images!.apply(input, params)
      return [
        tf.clone(tf.slice(apply(images, all), first, shard.batch)),
        tf.clone(apply(shown, part)),
      ] as const
    })
    const [a, b] = [await expected.data(), await got.data()]
    tf.dispose([images, expected, got])
    const at = a.findIndex((value, i) => Math.abs(value - b[i]!) > 1e-4)
    if (at < 0) continue
    const image = Math.floor(at / (a.length / shard.batch))
    throw new Error(
      `image ${first + image} of a batch of ${whole.batch} is changed differently at step ${step} ` +
        `as image ${image} of a shard: ${show(part)} is not a slice of ${show(all)}. ` +
        `Draw with random.images(batch, (image) => …), which gives each image its own stream`,
    )
  }
}

function isSlice(
  all: unknown,
  part: unknown,
  whole: number,
  shard: number,
  first: number,
): boolean {
  const [a, b] = [arrayOf(all), arrayOf(part)]
  if (a && b) {
    const per = a.length / whole
    if (a.length !== b.length || whole === shard)
      return (
        per > 0 && b.length === per * shard && same(a.slice(first * per, first * per + b.length), b)
      )
    return same(a, b)
  }
  if (isRecord(all) && isRecord(part))
    return (
      same(Object.keys(all), Object.keys(part)) &&
      Object.keys(all).every((key) => isSlice(all[key], part[key], whole, shard, first))
    )
  return same(all, part)
}

/** Checks that params are JSON or typed arrays, so that a run can be replayed. */
function checkReplayable(params: unknown, where: string): void {
  if (ArrayBuffer.isView(params)) return
  const plain =
    Array.isArray(params) ||
    (isRecord(params) && [Object.prototype, null].includes(Object.getPrototypeOf(params) as null))
  if (plain) {
    for (const [key, value] of Object.entries(params as object))
      checkReplayable(value, `${where} under '${key}'`)
    return
  }
  if (
    params === undefined ||
    params === null ||
    ['boolean', 'string'].includes(typeof params) ||
    Number.isFinite(params)
  )
    return
  const what =
    params instanceof tf.Tensor
      ? 'a tensor'
      : isRecord(params)
        ? 'an object of a class'
        : `${typeof params === 'number' ? params : `a ${typeof params}`}`
  throw new Error(
    `draw returns ${what} ${where}, so the run can't be replayed. Return JSON or typed arrays, and ` +
      `convert them to tensors in apply`,
  )
}

const arrayOf = (value: unknown): unknown[] | undefined =>
  Array.isArray(value)
    ? value
    : ArrayBuffer.isView(value)
      ? Array.from(value as Float32Array)
      : undefined
