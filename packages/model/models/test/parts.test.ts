// The parts of residual blocks that are options: stochastic depth, squeeze-and-excitation, blur, standardised kernels.
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { StandardizedConv2d } from '@tricks/weight-standardization'
import { StochasticDepth } from '@tricks/stochastic-depth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  cifarResnet,
  countParameters,
  foldBatchNorm,
  preactResnet,
  type PreactResnetOptions,
  resnet,
  wideResnet,
  withNormalization,
} from '../src/index.ts'
import { descend, withModel } from './training.ts'

const parts = {
  stochasticDepth: { stochasticDepth: 0.3 },
  squeezeExcite: { squeezeExcite: 0.25 },
  blurPool: { blurPool: true },
  weightStandardization: { weightStandardization: true },
  'all of them': {
    stochasticDepth: 0.3,
    squeezeExcite: 0.25,
    blurPool: true,
    weightStandardization: true,
  },
} as const
const small = { depth: 8, width: 4, seed: 1, classes: 5 } as const
const preactivated = { ...small, width: 1 / 4 } as const
type Options = Omit<PreactResnetOptions, 'depth' | 'width'>
const builders: Record<string, (options: Options) => layers.LayersModel> = {
  cifarResnet: (options) => cifarResnet({ ...small, ...options }),
  preactResnet: (options) => preactResnet({ ...preactivated, ...options }),
}
const kinds = Object.entries(parts).flatMap(([name, options]) =>
  Object.entries(builders).map(([network, build]) => ({ name, options, network, build })),
)
const namesOf = (model: layers.LayersModel): string[] => model.layers.map(({ name }) => name)

beforeAll(() => tf.setBackend('wasm'))
afterAll(() => tf.setBackend('cpu'))

describe('structure', () => {
  test('the drop rate increases evenly from 0 to that of the last block', () => {
    withModel(resnet({ stochasticDepth: 0.35, weights: 'zeros' }), (model) => {
      const drops = model.layers.filter((layer) => layer instanceof StochasticDepth)
      expect(drops.map(({ name }) => name)).toEqual(
        [
          'stage1/block2',
          'stage2/block1',
          'stage2/block2',
          'stage3/block1',
          'stage3/block2',
          'stage4/block1',
          'stage4/block2',
        ].map((name) => `${name}/drop`),
      )
      drops.forEach(({ rate }, i) => expect(rate).toBeCloseTo(0.05 * (i + 1), 10))
    })
  })

  test('squeeze-and-excitation is at the end of each branch', () => {
    const plain = withModel(resnet({ depth: 50, weights: 'zeros' }), countParameters)
    withModel(resnet({ depth: 50, squeezeExcite: 1 / 16, weights: 'zeros' }), (model) => {
      const added = [3, 4, 6, 3].map((blocks, stage) => {
        const channels = 256 * 2 ** stage
        const hidden = channels / 16
        return blocks * (2 * channels * hidden + hidden + channels)
      })
      expect(countParameters(model) - plain).toBe(added.reduce((sum, each) => sum + each))
      const squeeze = model.getLayer('stage1/block1/squeeze')
      expect((squeeze.input as layers.SymbolicTensor).sourceLayer.name).toBe('stage1/block1/norm3')
      const add = model.getLayer('stage1/block1/add')
      expect((add.input as layers.SymbolicTensor[])[0]!.sourceLayer.name).toBe(squeeze.name)
    })
  })

  test.each<[string, () => layers.LayersModel]>([
    ['resnet-8', () => cifarResnet({ ...small, blurPool: true, inputShape: [33, 37, 3] })],
    [
      'resnet-8 with projections',
      () => cifarResnet({ ...small, blurPool: true, shortcut: 'projection' }),
    ],
    ['preact-resnet-8', () => preactResnet({ ...preactivated, blurPool: true })],
    ['wrn-10-0.25', () => wideResnet({ ...preactivated, depth: 10, blurPool: true })],
    ['resnet-18', () => resnet({ blurPool: true, weights: 'zeros' })],
    [
      'resnet-50 for ImageNet',
      () =>
        resnet({ depth: 50, stem: 'imagenet', padding: 'torch', blurPool: true, weights: 'zeros' }),
    ],
  ])('blurs wherever %s halves images, except for the stem', (_, build) => {
    withModel(build(), (model) => {
      const strided = model.layers.filter((layer) => {
        const { strides } = layer.getConfig() as { strides?: number | number[] }
        return [strides ?? 1].flat()[0] === 2
      })
      expect(strided.map(({ name }) => name)).toEqual(
        model.inputs[0]!.shape[1] === 224 ? ['stem/conv'] : [],
      )
    })
  })

  test.each(['pad', 'projection'] as const)(
    'blurring keeps the shapes, shortcut %s',
    (shortcut) => {
      const inputShape = [33, 37, 3] as const
      const shapesOf = (blurPool: boolean): unknown =>
        withModel(cifarResnet({ ...small, inputShape, shortcut, blurPool }), (model) =>
          [1, 2, 3].map((stage) => model.getLayer(`stage${stage}/block1/relu`).outputShape),
        )
      expect(shapesOf(true)).toEqual(shapesOf(false))
    },
  )

  test.each([
    cifarResnet({ ...small, shortcut: 'projection', ...parts['all of them'] }),
    preactResnet({ ...preactivated, ...parts['all of them'] }),
  ])('all convolutions of $name are standardised', (built) => {
    withModel(built, (model) => {
      const convolutions = model.layers.filter(({ name }) => /\/conv\d?$/.test(name))
      expect(convolutions).toHaveLength(1 + 6 + 2)
      expect(convolutions.every((layer) => layer instanceof StandardizedConv2d)).toBe(true)
    })
  })

  test('a pre-activated branch cannot start at 0 with standardised kernels', () => {
    const options = { zeroInitResidual: true, weightStandardization: true }
    for (const [name, build] of Object.entries({ preactResnet, wideResnet }))
      expect(() => build(options)).toThrow(
        `${name}: expected zeroInitResidual to be false with weightStandardization, as a ` +
          'standardized kernel is never 0, got true',
      )
  })

  test('without them, networks are unchanged', () => {
    withModel(cifarResnet(small), (plain) =>
      withModel(
        cifarResnet({
          ...small,
          stochasticDepth: 0,
          squeezeExcite: 0,
          blurPool: false,
          weightStandardization: false,
        }),
        (model) => expect(namesOf(model)).toEqual(namesOf(plain)),
      ),
    )
  })
})

describe.each(kinds)('$network with $name', ({ name, options, build: make }) => {
  const build = (seed = 1): layers.LayersModel => make({ ...options, seed })
  const images = (): tf.Tensor => tf.randomUniform([4, 32, 32, 3], 0, 1, 'float32', 1)
  const distance = (a: tf.Tensor, b: tf.Tensor): number =>
    tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!

  test('every variable is trained, and the loss falls', () => {
    withModel(build(), (model) => {
      const steps = descend(model, { steps: 12, rate: 0.05 })
      expect(Object.values(steps[1]!.gradients).every((largest) => largest > 0)).toBe(true)
      expect(steps.at(-1)!.loss).toBeLessThan(0.8 * steps[0]!.loss)
    })
  })

  test('the initial weights depend only on the seed', () => {
    const weights = (seed: number): Float32Array[] =>
      withModel(build(seed), (model) =>
        model.weights.map((weight) => weight.read().dataSync<'float32'>().slice()),
      )
    expect(weights(1)).toEqual(weights(1))
    expect(weights(2)).not.toEqual(weights(1))
  })

  test('folding batch norm keeps the predictions', () => {
    withModel(build(), (model) => {
      descend(model)
      const folded = foldBatchNorm(model)
      expect(
        distance(folded.predict(images()) as tf.Tensor, model.predict(images()) as tf.Tensor),
      ).toBeLessThan(1e-4)
      folded.dispose()
    })
  })

  test('an exported model consists of plain layers; a layer without a plain counterpart is rejected', () => {
    withModel(build(), (model) => {
      descend(model)
      const normalization = { mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.3, 0.25] }
      if (name === 'blurPool' || name === 'all of them') {
        expect(() => withNormalization(model, normalization)).toThrow(
          'withNormalization: stage2/block1/blur (BlurPool) has no equivalent in tfjs-layers',
        )
        return
      }
      const exported = withNormalization(model, normalization)
      const { mean, deviation } = normalization
      const expected = model.predict(tf.div(tf.sub(images(), mean), deviation)) as tf.Tensor
      expect(distance(exported.predict(images()) as tf.Tensor, expected)).toBeLessThan(1e-4)
      const own = exported.layers.filter((layer) =>
        /^(Tricks|Stochastic|Squeeze|Standardized|Blur)/.test(layer.getClassName()),
      )
      expect(own).toEqual([])
      exported.dispose()
    })
  })
})

test('draws of stochastic depth depend on seed and step', () => {
  withModel(cifarResnet({ ...small, stochasticDepth: 0.9 }), (model) => {
    const images = tf.randomUniform([8, 32, 32, 3], 0, 1, 'float32', 1)
    const logits = (step: number, training = true): number[] => [
      ...(model.apply(images, { training, seed: 1, step }) as tf.Tensor).dataSync(),
    ]
    expect(logits(3)).toEqual(logits(3))
    expect(logits(3)).not.toEqual(logits(4))
    const still = logits(3, false)
    expect(logits(4, false)).toEqual(still)
  })
})

test.each([
  [{ stochasticDepth: 1 }, 'stochasticDepth to be a number in [0, 1)'],
  [{ squeezeExcite: -1 }, 'squeezeExcite to be a number in [0, 1]'],
  [{ blurPool: 1 as never }, 'blurPool to be true or false'],
  [{ weightStandardization: 'yes' as never }, 'weightStandardization to be true or false'],
])('rejects %o', (options, message) => {
  expect(() => cifarResnet(options)).toThrow(`cifarResnet: expected ${message}`)
  expect(() => resnet(options)).toThrow(`resnet: expected ${message}`)
})
