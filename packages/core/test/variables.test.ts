import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { beforeAll, describe, expect, test } from 'vitest'
import { trainableOf, variablesOf } from '../src/model.ts'

beforeAll(() => tf.setBackend('cpu'))

const dense = (name: string, more: object = {}): layers.layers.Layer =>
  layers.layers.dense({ name, units: 3, useBias: false, ...more })
const stack = (...list: layers.layers.Layer[]): layers.Sequential =>
  layers.sequential({ layers: list })
const base = (name = 'base'): layers.Sequential =>
  layers.sequential({ name, layers: [dense('a', { inputShape: [4] }), dense('b')] })
const freeze = (...frozen: { trainable: boolean }[]): void => {
  for (const each of frozen) each.trainable = false
}

/** Ways to build a sequential model, which is when tfjs sets the trainable flag of all its variables. */
const uses: Record<string, (model: layers.LayersModel) => void> = {
  nothing: () => {},
  predict: (model) => tf.dispose(model.predict(tf.zeros([1, 4]))),
  apply: (model) => tf.dispose(model.apply(tf.zeros([1, 4]), { training: true }) as tf.Tensor),
  summary: (model) => model.summary(undefined, undefined, () => {}),
  compile: (model) => model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' }),
}

/** Models with layers `…a`, `…b` and `head`, each with an action that freezes some of them. */
const cases: Record<string, () => [layers.LayersModel, () => void, string[]]> = {
  'all trainable': () => [stack(base(), dense('head')), () => {}, ['base/a', 'base/b', 'head']],
  'a layer': () => {
    const model = stack(dense('a', { inputShape: [4] }), dense('b'), dense('head'))
    return [model, () => freeze(model.layers[1]!), ['a', 'head']]
  },
  'a layer by its configuration': () => {
    const model = stack(dense('a', { inputShape: [4], trainable: false }), dense('head'))
    return [model, () => {}, ['head']]
  },
  'a layer that is no longer frozen': () => {
    const model = stack(dense('a', { inputShape: [4], trainable: false }), dense('head'))
    return [model, () => void (model.layers[0]!.trainable = true), ['a', 'head']]
  },
  'a layer of a nested model': () => {
    const inner = base()
    return [stack(inner, dense('head')), () => freeze(inner.layers[0]!), ['base/b', 'head']]
  },
  'a nested model': () => {
    const inner = base()
    return [stack(inner, dense('head')), () => freeze(inner), ['head']]
  },
  'an unfrozen layer in a frozen nested model': () => {
    const inner = base()
    const act = (): void => {
      freeze(inner)
      inner.layers[1]!.trainable = true
    }
    return [stack(inner, dense('head')), act, ['head']]
  },
  'an unfrozen nested model with one frozen layer': () => {
    const inner = base()
    const act = (): void => {
      freeze(inner, inner.layers[0]!)
      inner.trainable = true
    }
    // As in tfjs, the layer's own flag remains.
    return [stack(inner, dense('head')), act, ['base/b', 'head']]
  },
  'a nested model two levels down': () => {
    const middle = layers.sequential({ name: 'middle', layers: [base(), dense('c')] })
    return [stack(middle, dense('head')), () => freeze(middle), ['head']]
  },
  'a layer two levels down': () => {
    const inner = base()
    const middle = layers.sequential({ name: 'middle', layers: [inner, dense('c')] })
    const left = ['middle/base/b', 'middle/c', 'head']
    return [stack(middle, dense('head')), () => freeze(inner.layers[0]!), left]
  },
  'a functional model': () => {
    const inputs = layers.input({ shape: [4] })
    const inner = base()
    const outputs = dense('head').apply(inner.apply(inputs)) as layers.SymbolicTensor
    return [layers.model({ inputs, outputs }), () => freeze(inner), ['head']]
  },
  'one weight of a layer': () => {
    // Functional, as a sequential model loses such a flag when it is built.
    const inputs = layers.input({ shape: [4] })
    const a = dense('a')
    const outputs = dense('head').apply(a.apply(inputs)) as layers.SymbolicTensor
    const freezeWeight = (): void => void (a.weights[0]!.trainable = false)
    return [layers.model({ inputs, outputs }), freezeWeight, ['head']]
  },
  'the whole model': () => {
    const model = stack(base(), dense('head'))
    return [model, () => freeze(model), []]
  },
}

const trained = (model: layers.LayersModel): string[] =>
  Object.keys(trainableOf(variablesOf(model))).map((path) => path.replace('/kernel', ''))

describe('frozen variables:', () => {
  for (const [name, make] of Object.entries(cases))
    test.each(Object.keys(uses))(`${name}, with %s before and after`, (use) => {
      const [model, act, expected] = make()
      uses[use]!(model)
      act()
      expect(trained(model)).toEqual(expected)
      uses[use]!(model)
      expect(trained(model)).toEqual(expected)
      // The variables that model.fit trains.
      const own = new Set(model.trainableWeights.map((weight) => weight.read()))
      expect(new Set(Object.values(trainableOf(variablesOf(model))))).toEqual(own)
    })
})

test('the answer is current: variables listed before freezing are up to date', () => {
  const model = stack(dense('a', { inputShape: [4] }), dense('head'))
  const variables = variablesOf(model)
  freeze(model.layers[0]!)
  expect(Object.keys(trainableOf(variables))).toEqual(['head/kernel'])
  expect(Object.keys(trainableOf({ ...variables }))).toEqual(['head/kernel'])
  model.layers[0]!.trainable = true
  expect(Object.keys(trainableOf(variables))).toEqual(['a/kernel', 'head/kernel'])
})

test('a loaded model keeps frozen layers and can be frozen further', async () => {
  const model = stack(dense('a', { inputShape: [4], trainable: false }), dense('b'), dense('head'))
  let saved: tf.io.ModelArtifacts | undefined
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) }
    }),
  )
  const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved!))
  freeze(loaded.getLayer('b'))
  for (const use of Object.values(uses)) {
    use(loaded)
    expect(trained(loaded)).toEqual(['head'])
  }
})

test('statistics are not trainable, and a frozen norm has no trainable variables', () => {
  const norm = layers.layers.batchNormalization({ name: 'norm', inputShape: [4] })
  const model = stack(norm, dense('head'))
  const listed = ['norm/gamma', 'norm/beta', 'norm/moving_mean', 'norm/moving_variance']
  expect(Object.keys(variablesOf(model))).toEqual([...listed, 'head/kernel'])
  expect(trained(model)).toEqual(['norm/gamma', 'norm/beta', 'head'])
  freeze(norm)
  expect(trained(model)).toEqual(['head'])
})

test('a layer shared by two nested models is listed once and frozen with either', () => {
  const shared = dense('shared')
  const [left, right] = ['left', 'right'].map((name) => {
    const inputs = layers.input({ shape: [4] })
    return layers.model({ name, inputs, outputs: shared.apply(inputs) as layers.SymbolicTensor })
  })
  const inputs = layers.input({ shape: [4] })
  const sides = [left!, right!].map((side) => side.apply(inputs) as layers.SymbolicTensor)
  const sum = layers.layers.add().apply(sides) as layers.SymbolicTensor
  const outputs = dense('head').apply(sum) as layers.SymbolicTensor
  const model = layers.model({ inputs, outputs })
  expect(trained(model)).toEqual(['left/shared', 'head'])
  freeze(right!)
  expect(trained(model)).toEqual(['head'])
})

test('wrappers and recurrent layers are covered too', () => {
  const model = stack(
    layers.layers.timeDistributed({
      name: 'each',
      layer: dense('inner'),
      inputShape: [5, 4],
    }),
    layers.layers.bidirectional({
      name: 'both',
      layer: layers.layers.simpleRNN({ units: 2, recurrentInitializer: 'zeros' }),
    }),
    dense('head'),
  )
  const all = Object.keys(variablesOf(model))
  expect(Object.keys(trainableOf(variablesOf(model)))).toEqual(all)
  freeze(model.layers[0]!, model.layers[1]!)
  expect(trained(model)).toEqual(['head'])
})

test('variables outside layers use their own flag', () => {
  const [a, b] = tf.tidy(() => [tf.variable(tf.zeros([1])), tf.variable(tf.zeros([1]), false)])
  expect(trainableOf({ a, b })).toEqual({ a })
  const variables = { a, b }
  expect(variablesOf({ variables })).toBe(variables)
  expect(() => variablesOf({ layers: [] })).toThrow('variablesOf: the model has no variables')
})
