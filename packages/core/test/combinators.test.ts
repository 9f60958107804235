import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { compose, during, oneHot, oneOf, sometimes, type Trick } from '../src/index.ts'
import { composeRun } from '../src/run.ts'

/** Adds a tenth to every image. */
const brighten = (name: string): Trick => ({
  name,
  options: {},
  images: {
    draw: (random, { batch }) => random.images(batch, () => 0.1),
    apply: (images, by) => tf.add(images, (by as number[])[0]!),
    describe: (by, image) => `${name} ${(by as number[])[image]}`,
  },
})
const smooth: Trick['targets'] = (targets) => tf.add(tf.mul(targets, 0.5), 0.25)
const reverse: Trick = {
  name: 'reverse',
  options: {},
  mix: {
    draw: () => 0,
    apply: ({ images, targets }) => ({
      images: tf.reverse(images, 0),
      targets: tf.reverse(targets, 0),
    }),
  },
}
const halve: Trick = {
  name: 'halve',
  options: {},
  setsRate: true,
  learningRate: (rate) => rate / 2,
}

const images = tf.fill<tf.Rank.R4>([6, 2, 3, 1], 0.5)
const targets = oneHot([0, 1, 0, 1, 0, 0], 2)
const shape = { batch: 6, height: 2, width: 3, channels: 1, classes: 2 }
/** Each image's first pixel. */
const firstOf = (batch: tf.Tensor4D): number[] =>
  Array.from(batch.dataSync()).filter((_, i) => i % 6 === 0)
const steps = Array.from({ length: 40 }, (_, step) => step)

describe('the choice is made per image', () => {
  test('if all are image tricks', () => {
    const pipeline = compose([sometimes(0.5, brighten('a'))])
    const mixed = steps.filter((step) => {
      const shown = new Set(firstOf(pipeline.batch(images, targets, step).images))
      return shown.size === 2
    })
    // All six images are alike in one step of 32.
    expect(mixed.length).toBeGreaterThan(30)
  })

  test('by weight, in list order', () => {
    const odds = [1, 2, 5]
    const pipeline = compose([oneOf(odds.map((weight, i) => [brighten(`${i}`), weight] as const))])
    const { choice } = pipeline.draw({ ...shape, batch: 8000 }, 0).images['oneOf(0,1,2)'] as {
      choice: number[]
    }
    for (const [i, weight] of odds.entries()) {
      const share = choice.filter((chosen) => chosen === i).length / 8000
      const expected = weight / 8
      expect(Math.abs(share - expected)).toBeLessThan(
        3.3 * Math.sqrt((expected * (1 - expected)) / 8000),
      )
    }
  })

  test('each image shows its own choice, with a description', () => {
    const dim: Trick = {
      name: 'dim',
      options: {},
      images: { draw: () => 0, apply: (given) => tf.mul(given, 0.5) },
    }
    const trick = oneOf([
      [brighten('a'), 1],
      [dim, 1],
    ])
    const pipeline = compose([trick])
    const drawn = pipeline.draw(shape, 3).images['oneOf(a,dim)'] as { choice: number[] }
    expect(new Set(drawn.choice)).toEqual(new Set([0, 1]))
    const shown = firstOf(pipeline.batch(images, targets, 3).images)
    expect(shown.map((value) => (value > 0.5 ? 0 : 1))).toEqual(drawn.choice)
    expect(drawn.choice.map((_, i) => trick.images!.describe!(drawn, i))).toEqual(
      drawn.choice.map((chosen) => (chosen === 0 ? 'a 0.1' : '')),
    )
  })
})

describe('the choice is made per step', () => {
  test('if an image trick has hooks in another stage too', () => {
    const pipeline = compose([sometimes(0.5, { ...brighten('a'), targets: smooth })])
    const acted = steps.map((step) => {
      const batch = pipeline.batch(images, targets, step)
      const brighter = firstOf(batch.images).map((value) => value > 0.5)
      const smoothed = batch.targets.dataSync()[0] !== 1
      expect(new Set([...brighter, smoothed]).size).toBe(1)
      return smoothed
    })
    expect(new Set(acted).size).toBe(2)
  })

  test('if one of them is not an image trick', () => {
    const pipeline = compose([
      oneOf([
        [brighten('a'), 1],
        [reverse, 1],
      ]),
    ])
    const acted = steps.map((step) => {
      const drawn = pipeline.draw(shape, step)
      const names = [...Object.keys(drawn.images), ...Object.keys(drawn.mix)]
      expect(names).toHaveLength(1)
      const batch = pipeline.batch(images, targets, step)
      const brighter = firstOf(batch.images).every((value) => value > 0.5)
      const reversed = batch.targets.dataSync()[1] === 0 && batch.targets.dataSync()[2] === 1
      expect(brighter).not.toBe(reversed)
      return brighter
    })
    expect(new Set(acted).size).toBe(2)
  })
})

test('a schedule in a combinator counts as setting the rate', () => {
  expect(() => compose([during({}, halve), { ...halve, name: 'other' }])).toThrow(
    'compose: during(halve) and other both set the learning rate',
  )
  expect(() => compose([during({}, brighten('a')), halve])).not.toThrow()
})

test('options hold the tricks and their weights; keys can be set', () => {
  const a = brighten('a')
  expect(oneOf([[a, 3]])).toMatchObject({ key: 'oneOf(a)', options: { weights: [3] }, tricks: [a] })
  expect(sometimes(0.25, a)).toMatchObject({ key: 'sometimes(a)', options: { probability: 0.25 } })
  const window = { from: { steps: 1 }, until: { epochs: 2 } }
  expect(during(window, a)).toMatchObject({ key: 'during(a)', options: window })
  for (const trick of [
    oneOf([[a, 3]], { key: 'mine' }),
    sometimes(0.25, a, { key: 'mine' }),
    during(window, a, { key: 'mine' }),
  ])
    expect(trick.key).toBe('mine')
})

test.each<[string, () => unknown]>([
  ['no list', () => oneOf('a' as never)],
  ['a trick without a weight', () => oneOf([brighten('a')] as never)],
  [
    'a choice that is not a trick',
    () =>
      oneOf([
        [brighten('a'), 1],
        [{}, 1],
      ] as never),
  ],
  ['an undefined choice', () => oneOf([undefined] as never)],
  ['an infinite weight', () => oneOf([[brighten('a'), Infinity]])],
  ['a weight of NaN', () => oneOf([[brighten('a'), NaN]])],
  [
    'a weight below 0',
    () =>
      oneOf([
        [brighten('a'), 1],
        [brighten('b'), -1],
      ]),
  ],
  ['a probability below 0', () => sometimes(-0.1, brighten('a'))],
  ['a probability of NaN', () => sometimes(NaN, brighten('a'))],
  [
    'an end with two units',
    () => during({ until: { steps: 1, epochs: 1 } as never }, brighten('a')),
  ],
])('%s is rejected', (_, make) => {
  expect(make).toThrow(/^(oneOf|sometimes|during): expected \S+ to be /)
})

test('in evaluation, predictions nest in list order and weights are merged', () => {
  const calls: string[] = []
  const predicts = (name: string): Trick => ({
    name,
    options: {},
    evaluation: {
      predict(next, given) {
        calls.push(name)
        return tf.add(tf.mul(next(given), 2), name === 'outer' ? 1 : 3)
      },
      weights: () => ({ [`${name}/kernel`]: tf.scalar(1) }),
    },
  })
  const { evaluation } = composeRun([predicts('outer'), during({}, predicts('inner')), halve])
  const made = evaluation.predict(() => tf.scalar(5) as unknown as tf.Tensor2D, images)
  expect(made.dataSync()[0]).toBe(2 * (2 * 5 + 3) + 1)
  expect(calls).toEqual(['outer', 'inner'])
  expect(Object.keys(evaluation.weights({}))).toEqual(['outer/kernel', 'inner/kernel'])
})

describe('normalising', () => {
  const colours = tf.tensor4d(
    Array.from({ length: 2 * 3 * 2 * 3 }, (_, i) => i / 36),
    [2, 3, 2, 3],
  )
  const normal = (mean: number[], deviation: number[]): number[] => [
    ...compose([], { mean, deviation }).normalize(colours).dataSync(),
  ]

  test('each channel has its own mean and deviation', () => {
    const mean = [0.1, 0.2, 0.3]
    const deviation = [1, 0.5, 0.25]
    const expected = Array.from(
      colours.dataSync(),
      (value, i) => (value - mean[i % 3]!) / deviation[i % 3]!,
    )
    normal(mean, deviation).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6))
  })

  test('one number applies to all channels; two do not fit three channels', () => {
    expect(normal([0.25], [0.5])).toEqual(normal([0.25, 0.25, 0.25], [0.5, 0.5, 0.5]))
    expect(() => normal([0.1, 0.2], [1])).toThrow(
      'compose: expected mean to be a list of 3 numbers, got [0.1,0.2]',
    )
    expect(() => normal([0], [1, 1, 1, 1])).toThrow('deviation to be a list of 3 numbers')
  })
})
