import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectCdf,
  expectClose,
  expectFrequencies,
  expectUniform,
  evenly,
  type Fixture,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { softmaxCrossEntropy } from '@tricks/core'
import { expect, test } from 'vitest'
import {
  applyAugmix,
  augmix,
  augmixBatch,
  augmixMagnitudes,
  type AugmixParams,
  jensenShannonLoss,
} from '../src/index.ts'
import fixture from './fixtures/augmix.json' with { type: 'json' }

test.each(fixture.magnitudes)('magnitudes match torchvision: $params', ({ params, expected }) => {
  const space = augmixMagnitudes(params)
  expect(Object.keys(space).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [op, { magnitudes, signed }] of Object.entries(expected)) {
    expect(space[op]!.signed, op).toBe(signed)
    if (magnitudes === null) expect(space[op]!.magnitudes, op).toBeNull()
    else expectClose([...space[op]!.magnitudes!], magnitudes, { absolute: 1e-4 })
  }
})

/** The fraction of values that differ by more than a number of levels. */
function off(got: tf.Tensor, { data }: Fixture, levels: number): number {
  const values = [...got.dataSync()]
  expect(values).toHaveLength(data.length)
  return values.filter((value, i) => Math.abs(value - data[i]!) > levels / 255).length / data.length
}

onEachBackend(() => {
  test.each(fixture.mix.map((each, index) => ({ ...each, number: index + 1 })))(
    "matches one of torchvision's two implementations: case $number, $params.interpolation",
    ({ params, inputs, expected }) => {
      const images = tf.div<tf.Tensor4D>(fromFixture(inputs.images), 255)
      const mixed = applyAugmix(images, params as unknown as AugmixParams)
      const [levels, most] = params.interpolation === 'bilinear' ? [4, 0.05] : [2, 0.04]
      const shares = [expected.tensor, expected.pil].map((path) => off(mixed, path, levels))
      expect(Math.min(...shares)).toBeLessThanOrEqual(most)
    },
  )

  test.each(fixture.jensenShannon.map((each, index) => ({ ...each, number: index + 1 })))(
    "the loss matches the authors': case $number",
    ({ params, inputs, expected }) => {
      const targets = fromFixture(inputs.targets) as tf.Tensor2D
      const views = inputs.logits.map((view) => fromFixture(view))
      const { value, grads } = tf.valueAndGrads((...logits: tf.Tensor[]) =>
        jensenShannonLoss({ logits: logits as tf.Tensor2D[], targets, alpha: params.alpha }),
      )(views)
      expectClose(value, expected.loss, { relative: 2e-5 })
      for (const [i, grad] of grads.entries())
        expectClose(grad, expected.gradLogits[i]!, { relative: 1e-4 })
    },
  )

  test('an empty chain, or a weight of 0, returns the image', () => {
    const images = tf.randomUniform<tf.Rank.R4>([2, 3, 4, 1], 0, 1, 'float32', 1)
    const chains = [[[]], [[['Invert', 0]]]] as AugmixParams['chains']
    expectClose(applyAugmix(images, { chains, weights: [[1], [1]], mix: [1, 0] }), images)
    const none = { chains: [[], []], weights: [[], []], mix: [0, 0] }
    expectClose(applyAugmix(images, none), images)
  })

  test('identical views have no divergence', () => {
    const logits = tf.tensor2d([[1, -2, 0.5]])
    const targets = tf.tensor2d([[0, 1, 0]])
    expectClose(
      jensenShannonLoss({ logits: [logits, logits, logits], targets }),
      softmaxCrossEntropy(targets, logits),
    )
  })
})

asInPipeline(augmix, augmixBatch, { fill: 0 })

test('describes its draws', () => {
  const chains = [
    [
      [
        ['Rotate', 3],
        ['Color', 0.1],
      ],
      [['Equalize', 0]],
    ],
  ] as AugmixParams['chains']
  const params = { chains, weights: [[0.5, 0.5]], mix: [0.25] }
  expect(augmix().images!.describe!(params, 0)).toBe('25 % of Rotate Color, Equalize')
})

test('rejects params that do not fit the images', () => {
  const images = tf.zeros<tf.Rank.R4>([1, 4, 4, 3])
  const good: AugmixParams = { chains: [[[['Rotate', 3]]]], weights: [[1]], mix: [0.5] }
  for (const [name, wrong] of [
    ['chains', []],
    ['chains', null],
    ['weights', [[0.5, 0.5]]],
    ['weights', [[2]]],
    ['mix', [1.5]],
    ['mix', [0.5, 0.5]],
    ['interpolation', 'cubic'],
  ] as const)
    expect(() => applyAugmix(images, { ...good, [name]: wrong })).toThrow(
      `augmix: expected ${name} to be`,
    )
  expect(() => applyAugmix(images, { ...good, chains: [[[['Spin', 3]]]] })).toThrow('to be one of')
  const logits = tf.zeros<tf.Rank.R2>([2, 3])
  expect(() => jensenShannonLoss({ logits: [logits], targets: logits })).toThrow(
    'augmix: expected logits to be a list of at least 2 tensors',
  )
  expect(() => jensenShannonLoss({ logits: [logits, logits], targets: tf.zeros([3, 2]) })).toThrow(
    "augmix: expected logits to be of the targets' shape [3, 2], got [2,3]",
  )
})

const ops = Object.keys(augmixMagnitudes({ height: 32, width: 24 }))
conformance(() => augmix(), {
  distribution(draws: readonly AugmixParams[]) {
    expectUniform({ mixes: draws.flatMap(({ mix }) => mix) }, 0, 1)
    const weights = draws.flatMap((draw) => draw.weights)
    for (const own of weights) expect(own.reduce((sum, each) => sum + each)).toBeCloseTo(1, 9)
    // Each weight of a flat Dirichlet over three is Beta(1, 2).
    for (const k of [0, 1, 2])
      expectCdf({ [`weights ${k}`]: weights.map((own) => own[k]!) }, (x) => 1 - (1 - x) ** 2)
    const chains = draws.flatMap((draw) => draw.chains)
    for (const own of chains) expect(own).toHaveLength(3)
    expectFrequencies(
      { depths: chains.flatMap((own) => own.map(({ length }) => length)) },
      evenly(1, 4),
    )
    const steps = chains.flat(2)
    const chances = Object.fromEntries(ops.map((op) => [op, 1 / ops.length]))
    expectFrequencies({ ops: steps.map(([op]) => op) }, chances)
    const of = (name: string): number[] =>
      steps.flatMap(([op, magnitude]) => (op === name ? [magnitude] : []))
    expectFrequencies(
      { degrees: of('Rotate').map((degrees) => Math.round(degrees * 3)) },
      { '-20': 1 / 6, '-10': 1 / 6, 0: 1 / 3, 10: 1 / 6, 20: 1 / 6 },
    )
    expectFrequencies({ bits: of('Posterize') }, { 3: 1 / 3, 4: 2 / 3 })
  },
  invalid: [
    () => augmix({ severity: 0 }),
    () => augmix({ severity: 11 }),
    () => augmix({ chains: 0 }),
    () => augmix({ depth: 1.5 }),
    () => augmix({ alpha: 0 }),
    () => augmix({ allOperations: 1 as never }),
    () => augmix({ interpolation: 'cubic' as never }),
    () => augmix({ fill: 2 }),
    () => augmix({ width: 3 } as never),
  ],
})
