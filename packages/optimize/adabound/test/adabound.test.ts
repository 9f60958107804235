import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { expectClose, fromFixture, onEachBackend } from '@tricks/conformance'
import { describe, expect, test } from 'vitest'
import { AdaBound, adabound, type AdaBoundOptions } from '../src/index.ts'
import fixture from './fixtures/adabound.json' with { type: 'json' }

const optionsOf = ({ lr, finalLr, ...rest }: Record<string, unknown>): AdaBoundOptions => {
  const { rates: _, ...options } = rest
  return { learningRate: lr as number, finalLearningRate: finalLr as number, ...options }
}

/** Takes steps on two variables with synthetic gradients; returns the first one's values. */
function steps(optimizer: tf.Optimizer, variables: tf.Variable[], from: number, to: number): void {
  for (let step = from; step < to; step++)
    tf.tidy(() =>
      optimizer.applyGradients(
        variables.map((variable, i) => ({
          name: variable.name,
          tensor: tf.fill(variable.shape, Math.sin(step + i) + 0.1),
        })),
      ),
    )
}
const valuesOf = (variables: tf.Variable[]): number[][] => variables.map((v) => [...v.dataSync()])
const fresh = (): tf.Variable[] =>
  tf.tidy(() => [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.scalar(3))])

onEachBackend(() => {
  test.each(fixture.cases)('matches the reference: $optimizer', ({ params, inputs, expected }) => {
    const optimizer = adabound(optionsOf(params))
    const weights = tf.variable(fromFixture(inputs.weights))
    const gradients = tf.unstack(fromFixture(inputs.gradients))
    const rates = 'rates' in params ? params.rates : undefined
    const got = gradients.map((gradient, step) => {
      if (rates) optimizer.setLearningRate(rates[step]!)
      optimizer.applyGradients({ [weights.name]: gradient })
      return weights.clone()
    })
    expectClose(tf.stack(got), expected.weights, { absolute: 1e-6, relative: 2e-5 })
    optimizer.dispose()
  })

  test('leaves no tensor behind, even after setWeights and dispose', async () => {
    const before = tf.memory().numTensors
    const optimizer = adabound({ amsbound: true, weightDecay: 0.1 })
    const variables = fresh()
    steps(optimizer, variables, 0, 1)
    const after = tf.memory().numTensors
    expect(after - before).toBe(2 + 2 * 3)
    steps(optimizer, variables, 1, 5)
    expect(tf.memory().numTensors).toBe(after)

    const weights = await optimizer.getWeights()
    await optimizer.setWeights(weights.map(({ name, tensor }) => ({ name, tensor })))
    await optimizer.setWeights(await optimizer.getWeights())
    steps(optimizer, variables, 5, 6)
    // The two step counts belong to the caller.
    expect(tf.memory().numTensors).toBe(after + 2)
    optimizer.dispose()
    tf.dispose(variables)
    expect(tf.memory().numTensors).toBe(before + 2)
  })

  test("resumed from saved weights it is bit-equal, whatever the variables' names", async () => {
    const whole = fresh()
    const first = adabound({ amsbound: true })
    steps(first, whole, 0, 6)
    const weights = await first.getWeights()
    const rebuilt = whole.map((variable) => tf.variable(variable.clone()))
    const second = tf.serialization.SerializationMap.getMap().classNameMap['AdaBound']!
    const resumed = second[1](second[0], first.getConfig()) as AdaBound
    await resumed.setWeights(weights.map(({ name, tensor }) => ({ name, tensor: tensor.clone() })))
    expect(resumed.iterations).toBe(6)
    steps(first, whole, 6, 12)
    steps(resumed, rebuilt, 6, 12)
    expect(valuesOf(rebuilt)).toEqual(valuesOf(whole))
  })

  test('slots are keyed by name, whatever the order of gradients', async () => {
    const [forwards, backwards] = [fresh(), fresh()]
    const [a, b] = [adabound(), adabound()]
    for (let step = 0; step < 3; step++) {
      const gradients = (of: tf.Variable[]): [string, tf.Tensor][] =>
        of.map((variable, i) => [variable.name, tf.fill(variable.shape, 2 * i + step)])
      a.applyGradients(Object.fromEntries(gradients(forwards)))
      const later = gradients(backwards)
      b.applyGradients(Object.fromEntries(step === 0 ? later : later.toReversed()))
    }
    expect(valuesOf(backwards)).toEqual(valuesOf(forwards))
    const roles = (await b.getWeights()).map(({ name }) => name)
    expect(roles).toEqual([
      'iter',
      ...['m', 'v'].flatMap((role) => backwards.map(({ name }) => `${name}/${role}`)),
    ])
  })

  test('a new variable is trained as with its own optimizer, even if saved in between', async () => {
    for (const options of [{}, { amsbound: true }]) {
      const [together, alone] = [fresh(), fresh()]
      let joint = adabound(options)
      const own = [adabound(options), adabound(options)]
      const step = (of: tf.Optimizer, { name, shape }: tf.Variable, at: number): void =>
        tf.tidy(() => of.applyGradients([{ name, tensor: tf.fill(shape, Math.sin(at) + 0.1) }]))
      for (let at = 0; at < 30; at++) {
        // The second is added at step 10; the first is skipped from step 20 on.
        const present = [0, 1].filter((i) => (i === 0 ? at < 20 : at >= 10))
        tf.tidy(() =>
          joint.applyGradients(
            present.map((i) => ({
              name: together[i]!.name,
              tensor: tf.fill(together[i]!.shape, Math.sin(at) + 0.1),
            })),
          ),
        )
        for (const i of present) step(own[i]!, alone[i]!, at)
        if (at % 7 > 0) continue
        const saved = await joint.getWeights()
        const next = adabound(options)
        await next.setWeights(saved)
        joint.dispose()
        joint = next
      }
      expect(valuesOf(together)).toEqual(valuesOf(alone))
    }
  })

  test('loaded slots are assigned by name if all names are known, whatever their order', async () => {
    const names = ['block/mixed/kernel', 'block/mixed/bias']
    const make = (): tf.Variable[] =>
      names.map((name, i) => tf.tidy(() => tf.variable(tf.fill([2], i + 1), true, name)))
    const whole = make()
    const first = adabound()
    steps(first, whole, 0, 4)
    const saved = await first.getWeights()
    expect(saved.map(({ name }) => name)).toEqual([
      'iter',
      ...['m', 'v'].flatMap((role) => names.map((name) => `${name}/${role}`)),
    ])
    const second = adabound()
    await second.setWeights(saved)
    const before = valuesOf(whole)
    steps(first, whole, 4, 6)
    const after = valuesOf(whole)
    whole.forEach((variable, i) => variable.assign(tf.tensor(before[i]!)))
    for (const step of [4, 5])
      second.applyGradients(
        whole
          .map((variable, i) => ({
            name: variable.name,
            tensor: tf.fill([2], Math.sin(step + i) + 0.1),
          }))
          .toReversed(),
      )
    expect(valuesOf(whole)).toEqual(after)
    tf.dispose(whole)
  })

  test('loaded slots are assigned by position if a name is unknown', async () => {
    const [one, two] = fresh() as [tf.Variable, tf.Variable]
    const first = adabound()
    steps(first, [one, two], 0, 4)
    const second = adabound()
    await second.setWeights(await first.getWeights())
    const renamed = tf.variable(two.clone())
    const before = one.clone()
    steps(first, [one, two], 4, 6)
    const expected = valuesOf([one, two])
    one.assign(before)
    steps(second, [one, renamed], 4, 6)
    expect(valuesOf([one, renamed])).toEqual(expected)
  })

  test('starts from scratch if used after dispose', () => {
    const [again, alone] = [adabound(), adabound()]
    const [variables, others] = [fresh(), fresh()]
    steps(again, variables, 0, 3)
    again.dispose()
    variables.forEach((variable, i) => variable.assign(others[i]!))
    steps(again, variables, 0, 3)
    steps(alone, others, 0, 3)
    expect(valuesOf(variables)).toEqual(valuesOf(others))
  })

  test("AMSBound's maximum is saved separately from v, which may have fallen since", async () => {
    // The bounds are so wide that no rate is clipped.
    const options = { amsbound: true, beta2: 0.5, gamma: 1e-6 }
    const whole = fresh()
    const first = adabound(options)
    const push = (optimizer: tf.Optimizer, of: tf.Variable[], by: number): void =>
      optimizer.applyGradients(of.map(({ name, shape }) => ({ name, tensor: tf.fill(shape, by) })))
    for (const by of [10, 0.1, 0.1]) push(first, whole, by)
    const rebuilt = whole.map((variable) => tf.variable(variable.clone()))
    const resumed = adabound(options)
    await resumed.setWeights(await first.getWeights())
    for (const by of [0.1, 0.2]) {
      push(first, whole, by)
      push(resumed, rebuilt, by)
    }
    expect(valuesOf(rebuilt)).toEqual(valuesOf(whole))
  })

  test('its state is not trainable', async () => {
    const trainable = (): number =>
      Object.values(tf.engine().registeredVariables).filter((each) => each.trainable).length
    const variables = fresh()
    const before = trainable()
    const optimizer = adabound({ amsbound: true })
    steps(optimizer, variables, 0, 2)
    const copy = adabound({ amsbound: true })
    await copy.setWeights(await optimizer.getWeights())
    expect(trainable()).toBe(before)
    optimizer.dispose()
    copy.dispose()
  })

  test("variables without a gradient don't change, nor do any with a rate of 0", () => {
    const [moved, still] = fresh() as [tf.Variable, tf.Variable]
    const optimizer = adabound()
    optimizer.applyGradients({ [moved.name]: tf.ones([2]), [still.name]: null as never })
    expect(valuesOf([still])).toEqual([[3]])
    expect(valuesOf([moved])[0]![0]).toBeLessThan(1)
    const idle = adabound({ learningRate: 0, baseLearningRate: 0.1 })
    const variables = fresh()
    steps(idle, variables, 0, 3)
    expect(valuesOf(variables)).toEqual(valuesOf(fresh()))
    idle.setLearningRate(0.1)
    steps(idle, variables, 3, 4)
    expect(valuesOf(variables)).not.toEqual(valuesOf(fresh()))
    expect(() => idle.setLearningRate(-1)).toThrow('got -1')
    idle.setLearningRate(0)
  })

  test('a variable that reuses a name starts from scratch', () => {
    const named = (): tf.Variable => tf.tidy(() => tf.variable(tf.ones([2]), true, 'twice'))
    const [used, unused] = [adabound(), adabound()]
    const first = named()
    steps(used, [first], 0, 5)
    first.dispose()
    const second = named()
    steps(used, [second], 0, 5)
    const expected = tf.tidy(() => tf.variable(tf.ones([2])))
    steps(unused, [expected], 0, 5)
    expect(valuesOf([second])).toEqual(valuesOf([expected]))
    second.dispose()
  })

  test('works with compile and fit, and resumes after saving and loading', async () => {
    const x = tf.randomUniform([32, 4], -1, 1, 'float32', 1)
    const y = tf.sum(x, 1, true)
    const make = (): layers.LayersModel => {
      const kernelInitializer = layers.initializers.glorotUniform({ seed: 1 })
      const model = layers.sequential()
      model.add(layers.layers.dense({ units: 8, inputShape: [4], kernelInitializer }))
      model.add(layers.layers.dense({ units: 1, kernelInitializer }))
      return model
    }
    const model = make()
    const optimizer = adabound({ learningRate: 0.01 })
    model.compile({ optimizer, loss: 'meanSquaredError' })
    const fit = async (of: layers.LayersModel): Promise<number[]> =>
      (await of.fit(x, y, { epochs: 5, shuffle: false })).history['loss'] as number[]
    const losses = await fit(model)
    expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.8)

    let saved: tf.io.ModelArtifacts | undefined
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) }
      }),
      { includeOptimizer: true },
    )
    const loaded = await layers.loadLayersModel(tf.io.fromMemory(saved!))
    expect(loaded.optimizer.getConfig()).toEqual(optimizer.getConfig())
    expect(loaded.optimizer.iterations).toBe(5)
    expect(await fit(loaded)).toEqual(await fit(model))
  })
})

describe('config', () => {
  const options: Required<AdaBoundOptions> = {
    learningRate: 0.01,
    finalLearningRate: 0.2,
    beta1: 0.8,
    beta2: 0.99,
    gamma: 0.01,
    epsilon: 1e-7,
    weightDecay: 0.001,
    decoupled: true,
    amsbound: true,
    baseLearningRate: 0.02,
  }
  test('contains every option, and the current rate', () => {
    const optimizer = adabound(options)
    expect(optimizer).toBeInstanceOf(tf.Optimizer)
    expect(optimizer.getClassName()).toBe('AdaBound')
    expect(optimizer.getConfig()).toEqual(options)
    optimizer.setLearningRate(0.005)
    const { learningRate, baseLearningRate } = adabound(optimizer.getConfig()).getConfig()
    expect({ learningRate, baseLearningRate }).toEqual({
      learningRate: 0.005,
      baseLearningRate: 0.02,
    })
  })
})

describe('rejects invalid options and states', () => {
  test.each([
    [
      { learningRate: -1 },
      'adabound: expected learningRate to be a number in [0, 1000000], got -1',
    ],
    [
      { learningRate: 0 },
      'adabound: expected learningRate to be a number from 1e-20 to 1e6, or 0 with a baseLearningRate, got 0',
    ],
    [{ learningRate: 1e-30 }, 'adabound: expected learningRate to be a number from 1e-20'],
    [{ finalLearningRate: 0 }, 'finalLearningRate to be a number in (0, 1000000], got 0'],
    [{ beta1: 1 }, 'beta1 to be a number in [0, 1), got 1'],
    [{ beta2: NaN }, 'beta2 to be a number in [0, 1), got NaN'],
    [{ gamma: 0 }, 'gamma to be a number in (0, 1), got 0'],
    [{ epsilon: 0 }, 'epsilon to be a number in (0, 1000000], got 0'],
    [{ weightDecay: -1 }, 'weightDecay to be a number in [0, 1000000], got -1'],
    [{ baseLearningRate: 0 }, 'baseLearningRate to be a number in [1e-20, 1000000], got 0'],
    [{ amsbound: 1 as unknown as true }, 'amsbound to be true or false, got 1'],
    [{ learningRate: '0.001' as never }, 'learningRate to be a number in [0, 1000000], got 0.001'],
    [{ beta1: null as never }, 'beta1 to be a number in [0, 1), got null'],
    [{ rate: 0.1 } as never, 'adabound: expected options to be some of learningRate, final'],
  ])('%j', (options, message) => {
    expect(() => adabound(options)).toThrow(message)
  })

  test('a learning rate of 0 changes nothing, and can be raised later', () => {
    const optimizer = adabound({ learningRate: 0, baseLearningRate: 0.01 })
    const variable = tf.variable(tf.tensor1d([1, -1]))
    const gradient = tf.tensor1d([0.5, 0.25])
    optimizer.applyGradients({ [variable.name]: gradient })
    expect([...variable.dataSync()]).toEqual([1, -1])
    optimizer.setLearningRate(0.01)
    optimizer.applyGradients({ [variable.name]: gradient })
    expect(variable.dataSync().every((value, i) => value < [1, -1][i]!)).toBe(true)
  })

  test('during use', async () => {
    const optimizer = adabound()
    for (const wrong of [Infinity, -1, NaN, '0.1', null])
      expect(() => optimizer.setLearningRate(wrong as number)).toThrow(
        `adabound: expected learningRate to be a number of at least 0, got ${wrong}`,
      )
    expect(() => optimizer.applyGradients({ nobody: tf.scalar(1) })).toThrow(
      "adabound: there is no variable 'nobody'",
    )
    const variables = fresh()
    steps(optimizer, variables, 0, 1)
    const weights = await optimizer.getWeights()
    const other = adabound()
    await expect(other.setWeights(weights.slice(1))).rejects.toThrow(
      'expected the step count and 2 tensors per variable, got 4 tensors',
    )
    const wrong = [...weights, { name: 'steps', tensor: tf.tensor1d([1], 'int32') }]
    await expect(other.setWeights(wrong)).rejects.toThrow('got 6 tensors')
    await other.setWeights(weights)
    expect(() => steps(other, [tf.variable(tf.scalar(1))], 0, 1)).toThrow('belong to 2 variables')
    await other.setWeights(weights)
    expect(() => steps(other, fresh().toReversed(), 0, 1)).toThrow('but its state has [2]')
  })
})
