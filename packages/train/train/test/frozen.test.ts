import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import type { Trick, Variables } from '@tricks/core'
import { trainableOf, variablesOf } from '@tricks/core/model'
import { batchNorm } from '@tricks/batch-norm'
import { l2 } from '@tricks/weight-penalty'
import { xavier } from '@tricks/initializers'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Checkpoint, train, type TrainOptions } from '../src/index.ts'
import { blobs } from './blobs.ts'

beforeEach(async () => {
  await tf.setBackend('cpu')
})

const options = (model: layers.LayersModel, more: Partial<TrainOptions> = {}): TrainOptions => ({
  model,
  data: { train: blobs(60) },
  optimizer: tf.train.momentum(0.1, 0.9),
  epochs: 1,
  batchSize: 16,
  ...more,
})

const dense = (name: string, units = 5): layers.layers.Layer =>
  layers.layers.dense({ name, units, kernelInitializer: layers.initializers.ones() })
const flatten = (): layers.layers.Layer => layers.layers.flatten({ inputShape: [4, 4, 3] })
const nested = (name: string, ...list: layers.layers.Layer[]): layers.Sequential =>
  layers.sequential({ name, layers: list })
const sequential = (): layers.Sequential =>
  nested('model', flatten(), dense('base'), dense('head', 3))

async function loaded(): Promise<layers.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined
  await sequential().save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) }
    }),
  )
  return layers.loadLayersModel(tf.io.fromMemory(saved!))
}

function inFunctional(base: layers.LayersModel): layers.LayersModel {
  const inputs = layers.input({ shape: [4, 4, 3] })
  const outputs = dense('head', 3).apply(base.apply(inputs)) as layers.SymbolicTensor
  return layers.model({ inputs, outputs })
}

/** Models whose layers named base… are frozen. */
const frozen: Record<string, () => layers.LayersModel | Promise<layers.LayersModel>> = {
  'a sequential one': () => {
    const model = sequential()
    model.layers[1]!.trainable = false
    return model
  },
  'a loaded one': async () => {
    const model = await loaded()
    model.getLayer('base').trainable = false
    return model
  },
  'one with a nested sequential': () => {
    const base = nested('base', flatten(), dense('one'), dense('two'))
    base.trainable = false
    return nested('model', base, dense('head', 3))
  },
  'a functional one with a nested one': () => {
    const base = nested('base', flatten(), dense('one'))
    base.trainable = false
    return inFunctional(base)
  },
  'one with a nested one whose layer was unfrozen': () => {
    const base = nested('base', flatten(), dense('one'), dense('two'))
    base.trainable = false
    base.layers[2]!.trainable = true
    return nested('model', base, dense('head', 3))
  },
  'one with a nested one two levels down': () => {
    const base = nested('base', nested('inner', flatten(), dense('one')), dense('two'))
    base.trainable = false
    return nested('model', base, dense('head', 3))
  },
}
const uses: Record<string, (model: layers.LayersModel) => void> = {
  nothing: () => {},
  predict: (model) => tf.dispose(model.predict(tf.zeros([1, 4, 4, 3]))),
  summary: (model) => model.summary(undefined, undefined, () => {}),
  compile: (model) => model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' }),
}
const values = (model: layers.LayersModel): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(variablesOf(model)).map(([path, each]) => [path, [...each.dataSync()]]),
  )

describe('frozen variables stay bit-equal, and the rest is trained', () => {
  const cases = Object.keys(frozen).flatMap((name) => Object.keys(uses).map((use) => [name, use]))
  test.each(cases)('%s, after %s', async (name, use) => {
    for (const tricks of [[], [l2({ strength: 0.1 }), xavier()]]) {
      const model = await frozen[name]!()
      uses[use]!(model)
      const before = values(model)
      const asked: string[][] = []
      const spy: Trick = {
        name: 'spy',
        options: {},
        gradients(next) {
          const gradients = next()
          asked.push(Object.keys(gradients))
          return gradients
        },
      }
      await train(options(model, { tricks: [...tricks, spy] }))
      const after = values(model)
      const changed = Object.keys(before).filter(
        (path) => String(before[path]) !== String(after[path]),
      )
      expect(changed).toEqual(['head/kernel', 'head/bias'])
      expect(asked[0]).toEqual(changed)
    }
  })
})

test('a penalty covers only trainable variables, even if the run builds the model', async () => {
  const lossOf = async (model: layers.LayersModel, tricks: Trick[]): Promise<number> => {
    const losses: number[] = []
    const onProgress: TrainOptions['onProgress'] = (progress) =>
      progress.kind === 'step' && losses.push(progress.loss)
    await train(options(model, { tricks, readEvery: 1, onProgress }))
    return losses[0]!
  }
  const make = frozen['a sequential one']!
  const plain = await lossOf(await make(), [])
  const penalised = await lossOf(await make(), [l2({ strength: 0.1, biases: true })])
  // The head has 15 ones; the base's 240 are frozen.
  expect(penalised - plain).toBeCloseTo((0.1 / 2) * 15, 5)
})

test('layers may be unfrozen and frozen between runs', async () => {
  const model = sequential()
  const base = model.layers[1]!
  const optimizer = tf.train.momentum(0.1, 0.9)
  const before = values(model)
  for (const trainable of [false, true, false]) {
    base.trainable = trainable
    const [start] = Object.values(values(model))
    await train(options(model, { optimizer }))
    const [end] = Object.values(values(model))
    expect(String(start) === String(end)).toBe(!trainable)
  }
  expect(values(model)['head/kernel']).not.toEqual(before['head/kernel'])
})

test('and during a run, from the next step on', async () => {
  const model = sequential()
  const kernel = variablesOf(model)['base/kernel']!
  model.layers[1]!.trainable = false
  const seen: string[] = []
  await train(
    options(model, {
      epochs: 3,
      onProgress(progress) {
        if (progress.kind !== 'epoch') return
        seen.push(String([...kernel.dataSync()]))
        model.layers[1]!.trainable = progress.epoch === 0
      },
    }),
  )
  expect(seen[0]).toBe(String(Array.from({ length: 240 }, () => 1)))
  expect(seen[1]).not.toBe(seen[0])
  expect(seen[2]).toBe(seen[1])
})

test('a frozen norm of tfjs updates its statistics in training, as in model.fit', async () => {
  const norm = layers.layers.batchNormalization({ name: 'norm' })
  const model = nested('model', flatten(), norm, dense('head', 3))
  norm.trainable = false
  const before = values(model)
  await train(options(model))
  const after = values(model)
  const changed = Object.keys(before).filter((path) => String(before[path]) !== String(after[path]))
  expect(changed).toEqual(['norm/moving_mean', 'norm/moving_variance', 'head/kernel', 'head/bias'])
})

test.each(['sequential', 'functional', 'two levels down'])(
  '@tricks/batch-norm in a frozen model keeps to its statistics: %s',
  async (where) => {
    const norm = nested('inner', flatten(), batchNorm({ name: 'norm' }))
    const base = nested('base', norm, dense('two'))
    const frozenModel = where === 'two levels down' ? base : norm
    frozenModel.trainable = false
    const model =
      where === 'functional' ? inFunctional(norm) : nested('model', base, dense('head', 3))
    const before = values(model)
    await train(options(model))
    const after = values(model)
    const held = Object.keys(before).filter((path) => String(before[path]) === String(after[path]))
    expect(held.filter((path) => path.includes('norm'))).toHaveLength(4)
  },
)

test('custom variables use their own flags', async () => {
  const inner = sequential()
  const [scale, fixed] = tf.tidy(() => [
    tf.variable(tf.scalar(1)),
    tf.variable(tf.scalar(1), false),
  ])
  const variables: Variables = { ...variablesOf(inner), scale, fixed }
  inner.layers[1]!.trainable = false
  await train(
    options(inner, {
      model: {
        variables,
        apply: (images, given) =>
          tf.mul(tf.mul(inner.apply(images, given) as tf.Tensor, scale), fixed),
      },
    }),
  )
  expect(Object.keys(trainableOf(variables))).toEqual(['head/kernel', 'head/bias', 'scale'])
  expect(scale.dataSync()[0]).not.toBe(1)
  expect(fixed.dataSync()[0]).toBe(1)
  expect([...variables['base/kernel']!.dataSync()]).toEqual(Array.from({ length: 240 }, () => 1))
})

test('a run with other frozen layers is another run', async () => {
  const model = sequential()
  let resume: Checkpoint | undefined
  const save = (checkpoint: Checkpoint): void => void (resume = checkpoint)
  await train(options(model, { checkpoint: { every: { steps: 2 }, save } }))
  model.layers[1]!.trainable = false
  await expect(train(options(model, { resume: resume! }))).rejects.toThrow(
    'model: saved "base/kernel [48, 5]", here "base/kernel [48, 5], not trained"',
  )
})

describe('rejects, before training,', () => {
  test.each(['the model', 'every layer'])('a model if %s is frozen', async (what) => {
    const model = sequential()
    if (what === 'the model') model.trainable = false
    else for (const layer of model.layers) layer.trainable = false
    const before = values(model)
    await expect(train(options(model, { tricks: [xavier()] }))).rejects.toThrow(
      'train: expected the model to have trainable variables, got 4 that are frozen. Set trainable = true on the ' +
        'layers to train, and on the models that contain them',
    )
    expect(values(model)).toEqual(before)
  })

  test('a variable that the loss does not depend on', async () => {
    const inner = sequential()
    const loose = tf.variable(tf.scalar(1))
    const model = {
      variables: { ...variablesOf(inner), loose },
      apply: (images: tf.Tensor, given: object) => inner.apply(images, given),
    }
    await expect(train(options(inner, { model }))).rejects.toThrow(
      'train: the loss does not depend on loose. Use it in the model',
    )
  })
})
