import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { conformance } from '@tricks/conformance'
import { createRandom, during, type Trick } from '@tricks/core'
import { cifarResnet, plain, resnet } from '@tricks/models'
import { type ImageSet, train, type TrainOptions, variablesOf } from '@tricks/train'
import { beforeAll, describe, expect, test } from 'vitest'
import { freeze, layerDecay, layerGroups, layerScales } from '../src/index.ts'
import fixture from './fixtures/layer-decay.json' with { type: 'json' }

beforeAll(() => tf.setBackend('cpu'))

describe("layerScales gives timm's factors", () => {
  test.each(fixture.cases.map((each) => [each.params.model, each] as const))(
    'of %s',
    (_, { params: { factor, min }, inputs, expected }) => {
      const scales = layerScales(inputs.groups, { factor, min })
      inputs.groups.forEach((names, i) => {
        for (const name of names) expect(scales[name]).toBeCloseTo(expected.scales[i]!, 7)
      })
      expect(Object.keys(scales)).toEqual(inputs.groups.flat())
    },
  )
})

describe("a model's groups", () => {
  const groupsOf = (model: layers.LayersModel): string[][] =>
    layerGroups(Object.keys(variablesOf(model)))
  const firsts = (groups: readonly string[][]): string[] => groups.map(([name]) => name!)

  test("of a ResNet-18 are timm's: the stem, each block, the last layer", () => {
    const groups = groupsOf(resnet({ depth: 18, inputShape: [8, 8, 3], weights: 'zeros' }))
    const [{ inputs }] = fixture.cases as [(typeof fixture.cases)[0]]
    expect(groups).toHaveLength(inputs.groups.length)
    // Ours also include the moving statistics of each norm.
    const counts = groups.map((names) => names.filter((name) => !name.includes('moving')).length)
    expect(counts).toEqual(inputs.groups.map(({ length }) => length))
    expect(firsts(groups).slice(0, 3)).toEqual([
      'stem/conv/kernel',
      'stage1/block1/conv1/kernel',
      'stage1/block2/conv1/kernel',
    ])
    expect(groups.at(-1)).toEqual(['logits/kernel', 'logits/bias'])
  })

  test("put layers after the last block into the last block's group", () => {
    expect(
      layerGroups([
        'stem/conv/kernel',
        'blocks0/a/kernel',
        'blocks10/a/kernel',
        'head/norm/gamma',
        'logits/kernel',
      ]),
    ).toEqual([
      ['stem/conv/kernel'],
      ['blocks0/a/kernel'],
      ['blocks10/a/kernel', 'head/norm/gamma'],
      ['logits/kernel'],
    ])
  })

  test('are the layers, with their norms, if there are no blocks', () => {
    expect(
      layerGroups([
        'a/kernel',
        'norm/gamma',
        'norm/moving_mean',
        'b/kernel',
        'b/bias',
        'out/kernel',
      ]),
    ).toEqual([
      ['a/kernel', 'norm/gamma', 'norm/moving_mean'],
      ['b/kernel', 'b/bias'],
      ['out/kernel'],
    ])
    expect(groupsOf(plain({ widths: [[2], [3]], inputShape: [4, 4, 3] }))).toHaveLength(3)
    expect(groupsOf(cifarResnet({ depth: 8, width: 2 }))).toHaveLength(5)
  })
})

const random = createRandom(4)
const images: ImageSet = {
  images: Uint8Array.from({ length: 30 * 48 }, () => random.integer(0, 256)),
  labels: Array.from({ length: 30 }, (_, i) => i % 3),
  height: 4,
  width: 4,
  channels: 3,
  classes: ['a', 'b', 'c'],
}

function network(): layers.LayersModel {
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 5 })
  const conv = (name: string, filters: number): layers.layers.Layer =>
    layers.layers.conv2d({ name, filters, kernelSize: 3, kernelInitializer, inputShape: [4, 4, 3] })
  return layers.sequential({
    layers: [
      conv('one', 3),
      batchNorm({ name: 'one/norm' }),
      layers.layers.conv2d({ name: 'two', filters: 4, kernelSize: 1, kernelInitializer }),
      batchNorm({ name: 'two/norm' }),
      layers.layers.flatten({ name: 'flat' }),
      layers.layers.dense({ name: 'logits', units: 3, kernelInitializer }),
    ],
  })
}

type Values = Record<string, number[]>
async function trained(
  tricks: readonly Trick[],
  options: Partial<TrainOptions> = {},
): Promise<{ before: Values; after: Values }> {
  const model = network()
  const values = (): Values =>
    Object.fromEntries(
      Object.entries(variablesOf(model)).map(([path, variable]) => [
        path,
        [...variable.dataSync()],
      ]),
    )
  const before = values()
  await train({
    model,
    data: { train: images },
    tricks,
    optimizer: tf.train.momentum(0.1, 0.9),
    epochs: 2,
    batchSize: 9,
    validation: 3,
    ...options,
  })
  return { before, after: values() }
}

const moved = ({ before, after }: { before: Values; after: Values }): string[] =>
  Object.keys(before).filter((path) => before[path]!.join() !== after[path]!.join())

describe('freeze', () => {
  const all = Object.keys({
    'one/kernel': 1,
    'one/bias': 1,
    'one/norm/gamma': 1,
    'one/norm/beta': 1,
    'one/norm/moving_mean': 1,
    'one/norm/moving_variance': 1,
    'two/kernel': 1,
    'two/bias': 1,
    'two/norm/gamma': 1,
    'two/norm/beta': 1,
    'two/norm/moving_mean': 1,
    'two/norm/moving_variance': 1,
    'logits/kernel': 1,
    'logits/bias': 1,
  })

  test('trains the last layer alone, and keeps the statistics of the others', async () => {
    expect(moved(await trained([freeze()]))).toEqual(['logits/kernel', 'logits/bias'])
  })

  test('trains from a layer on', async () => {
    expect(moved(await trained([freeze({ until: 'two' })]))).toEqual(all.slice(6))
  })

  test('freezes batch norm above too', async () => {
    const still = await trained([freeze({ until: 'one', batchNorm: true })])
    expect(moved(still)).toEqual(all.filter((path) => !path.includes('norm')))
  })

  test('normalises by its frozen statistics, like a layer that is not trainable', async () => {
    const frozen = await trained([freeze({ until: 'two' })])
    const model = network()
    for (const layer of model.layers.slice(0, 2)) layer.trainable = false
    await train({
      model,
      data: { train: images },
      optimizer: tf.train.momentum(0.1, 0.9),
      epochs: 2,
      batchSize: 9,
      validation: 3,
    })
    const own = [...variablesOf(model)['logits/kernel']!.dataSync()]
    expect(frozen.after['logits/kernel']).toEqual(own)
  })

  test('unfreezes step by step, and resumes in between, bit for bit', async () => {
    const tricks = [
      during({ until: { epochs: 1 } }, freeze({ key: 'head' })),
      during({ from: { epochs: 1 } }, freeze({ until: 'two' })),
    ]
    const whole = await trained(tricks)
    expect(moved(whole)).toEqual(all.slice(6))
    const saved: Parameters<NonNullable<TrainOptions['checkpoint']>['save']>[0][] = []
    await trained(tricks, {
      checkpoint: { every: { steps: 1 }, save: (each) => void saved.push(each) },
    })
    // In the first window, where most variables have no momentum, at its end, and after it.
    for (const step of [2, 3, 4]) {
      const resume = saved.find((each) => each.step === step)!
      expect((await trained(tricks, { resume })).after).toEqual(whole.after)
    }
  })

  test('rejects an unknown layer, and a run that trains nothing', async () => {
    await expect(trained([freeze({ until: 'three' })])).rejects.toThrow(
      /freeze: expected until to be a layer of the model or the start of its path: one, one\/norm, two, .*, got three/,
    )
    const nothing: Trick = { name: 'nothing', options: {}, multipliers: () => ({ rate: 0 }) }
    await expect(trained([nothing])).rejects.toThrow(/a rate of 0 for all of them/)
  })
})

test('layerDecay scales the update of each layer', async () => {
  const once = { epochs: 1, batchSize: 27, optimizer: tf.train.sgd(0.1) }
  const plainly = await trained([], { ...once })
  const decayed = await trained([layerDecay({ factor: 0.5, min: 0.3 })], {
    ...once,
    optimizer: tf.train.sgd(0.1),
  })
  const step = ({ before, after }: typeof plainly, path: string): number =>
    after[path]![0]! - before[path]![0]!
  for (const [path, scale] of Object.entries({
    'one/kernel': 0.3,
    'two/kernel': 0.5,
    'logits/kernel': 1,
  }))
    expect(step(decayed, path) / step(plainly, path)).toBeCloseTo(scale, 3)
})

conformance(() => freeze({ until: 'dense' }), {
  invalid: [
    () => freeze({ until: '' }),
    () => freeze({ until: 3 as never }),
    () => freeze({ batchNorm: 1 as never }),
  ],
})
conformance(() => layerDecay(), {
  invalid: [
    () => layerDecay({ factor: 0 }),
    () => layerDecay({ factor: 1.1 }),
    () => layerDecay({ min: -0.1 }),
    () => layerScales([], { factor: 2 }),
  ],
})
