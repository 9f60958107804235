import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { adabound } from '@tricks/adabound'
import { softmaxCrossEntropy } from '@tricks/core'
import { trainableOf, variablesOf } from '@tricks/core/model'
import { xavier } from '@tricks/initializers'
import { beforeEach, describe, expect, test } from 'vitest'
import { alignOptimizer, openRun, train, training, type TrainOptions } from '../src/index.ts'
import { blobs } from './blobs.ts'

beforeEach(async () => {
  await tf.setBackend('cpu')
})

/** Optimizers that start new variables from zero; Adam and Adamax share one step count among all variables. */
const flexible: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  'centred rmsprop': () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-12, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.01),
  adabound: () => adabound({ learningRate: 0.01 }),
}
const counting: Record<string, () => tf.Optimizer> = {
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.1),
}
const all = { ...flexible, ...counting }

const network = (width = 3): layers.Sequential => {
  const kernelInitializer = layers.initializers.glorotUniform({ seed: 5 })
  const dense = (name: string, units: number): layers.layers.Layer =>
    layers.layers.dense({ name, units, kernelInitializer })
  return layers.sequential({
    layers: [
      layers.layers.flatten({ inputShape: [4, 4, 3] }),
      dense('one', width),
      dense('two', 3),
      dense('head', 3),
    ],
  })
}
const options = (model: layers.LayersModel, optimizer: tf.Optimizer): TrainOptions => ({
  model,
  data: { train: blobs(60) },
  optimizer,
  epochs: 2,
  batchSize: 16,
})
const values = (model: layers.LayersModel): number[][] =>
  model.getWeights().map((weight) => [...weight.dataSync()])
const freeze = (model: layers.LayersModel, ...frozen: string[]): void =>
  model.layers.forEach((layer) => (layer.trainable = !frozen.includes(layer.name)))

/** The same runs with a separate optimizer per variable, which can't mix up their states. */
function byOnes(model: layers.LayersModel, make: () => tf.Optimizer, phases: string[][]): void {
  const variables = variablesOf(model)
  const optimizers = new Map(Object.keys(variables).map((path) => [path, make()]))
  for (const frozen of phases) {
    freeze(model, ...frozen)
    const { pipeline, data } = openRun(options(model, tf.train.sgd(1)))
    for (let step = 0; step < data.time(0).steps; step++)
      tf.tidy(() => {
        const raw = data.batch(step)
        const { images, targets } = pipeline.batch(raw.images, raw.targets, data.time(step))
        const trainable = Object.entries(trainableOf(variables))
        const { grads } = tf.variableGrads(
          () =>
            softmaxCrossEntropy(targets, model.apply(images, { training: true }) as tf.Tensor2D),
          trainable.map(([, variable]) => variable),
        )
        for (const [path, { name }] of trainable)
          optimizers.get(path)!.applyGradients([{ name, tensor: grads[name]! }])
      })
  }
}

async function byTrainer(
  model: layers.LayersModel,
  optimizer: tf.Optimizer,
  phases: string[][],
): Promise<void> {
  for (const frozen of phases) {
    freeze(model, ...frozen)
    await train(options(model, optimizer))
  }
}

describe('a reused optimizer keeps the state of each variable', () => {
  const runs: Record<string, string[][]> = {
    'after layers were unfrozen': [['one', 'two'], ['one'], []],
    'after layers were frozen': [[], ['one'], ['one', 'two']],
    'after layers were frozen and unfrozen': [[], ['one'], ['two'], []],
    'in two runs of the same layers': [[], []],
  }
  const cases = Object.keys(runs).flatMap((run) =>
    Object.keys(all)
      .filter((name) => name in flexible || !run.includes('unfrozen'))
      .map((name) => [name, run]),
  )
  test.each(cases)('%s, %s', async (name, run) => {
    const [model, expected] = [network(), network()]
    await byTrainer(model, all[name]!(), runs[run]!)
    byOnes(expected, all[name]!, runs[run]!)
    expect(values(model)).toEqual(values(expected))
  })

  test('leaves no tensor behind', async () => {
    const model = network()
    const optimizer = tf.train.adagrad(0.1)
    await byTrainer(model, optimizer, [['one'], []])
    const before = tf.memory().numTensors
    await byTrainer(model, optimizer, [['one'], [], ['two']])
    expect(tf.memory().numTensors).toBe(before)
  })
})

test.each(Object.keys(counting))(
  '%s, with one step count for all variables, is rejected if layers are added',
  async (name) => {
    const model = network()
    const optimizer = all[name]!()
    await byTrainer(model, optimizer, [['one', 'two']])
    freeze(model, 'one')
    const before = values(model)
    await expect(train({ ...options(model, optimizer), tricks: [xavier()] })).rejects.toThrow(
      /^train: expected optimizer to be new or to have trained the same layers, got Adam(ax)? without the state of two\/kernel, two\/bias, .* Create a new optimizer after unfreezing layers\.$/,
    )
    expect(values(model)).toEqual(before)
    await train(options(model, all[name]!()))
  },
)

describe('an optimizer of another model', () => {
  const slotted = Object.keys(all).filter((name) => !['sgd', 'adabound'].includes(name))
  const others: Record<string, () => layers.Sequential> = {
    'of equal shapes': network,
    'of other shapes': () => network(7),
  }
  const cases = slotted.flatMap((name) => Object.keys(others).map((other) => [name, other]))
  test.each(cases)('is rejected before training: %s, %s', async (name, other) => {
    const optimizer = all[name]!()
    await train(options(network(), optimizer))
    const model = others[other]!()
    const before = values(model)
    await expect(train({ ...options(model, optimizer), tricks: [xavier()] })).rejects.toThrow(
      /^train: expected optimizer to be new or to have trained this model, got \w+ with the state of one(_\d+)?\/kernel.* and \d more, which are not among the model's variables \(one\/kernel, one\/bias, two\/kernel and 3 more\)\. Create a new optimizer for each model\.$/,
    )
    expect(values(model)).toEqual(before)
  })

  test.each(['sgd', 'adabound'])(
    '%s behaves like a new one, as its state is kept by variable',
    async (name) => {
      const optimizer = all[name]!()
      await train(options(network(), optimizer))
      const [model, expected] = [network(), network()]
      await train(options(model, optimizer))
      await train(options(expected, all[name]!()))
      expect(values(model)).toEqual(values(expected))
    },
  )

  test('is rejected even if the other’s variables had the same names', async () => {
    const optimizer = tf.train.momentum(0.1, 0.9)
    const own = async (): Promise<void> => {
      const kernel = tf.tidy(() => tf.variable(tf.ones([48, 3]), true, 'kernel-of-mine'))
      const apply = (images: tf.Tensor): tf.Tensor =>
        tf.matMul(tf.reshape(images, [-1, 48]), kernel)
      try {
        const model = { apply, variables: { kernel } }
        await train({ ...options(network(), optimizer), model })
      } finally {
        kernel.dispose()
      }
    }
    await own()
    await expect(own()).rejects.toThrow('with the state of kernel-of-mine')
  })
})

test('rejects an optimizer that was disposed, or created in a tidy', async () => {
  const disposed = tf.train.adam(0.01)
  await train(options(network(), disposed))
  disposed.dispose()
  let tidied: tf.Optimizer | undefined
  tf.tidy(() => void (tidied = tf.train.momentum(0.1, 0.9)))
  for (const optimizer of [disposed, tidied!])
    await expect(train(options(network(), optimizer))).rejects.toThrow(
      /^train: expected optimizer to hold its tensors, got (Adam|Momentum) that was disposed\. Create a new one, outside tf\.tidy\.$/,
    )
})

test('alignOptimizer works in a custom loop', () => {
  const model = network()
  const optimizer = tf.train.momentum(0.1, 0.9)
  const step = (): void => {
    const variables = variablesOf(model)
    alignOptimizer(optimizer, variables)
    optimizer.applyGradients(
      Object.values(trainableOf(variables)).map(({ name, shape }) => ({
        name,
        tensor: tf.ones(shape),
      })),
    )
  }
  freeze(model, 'one', 'two')
  step()
  freeze(model)
  step()
  const moved = (path: string): number => variablesOf(model)[path]!.dataSync()[0]!
  expect(moved('two/bias')).toBeCloseTo(-0.1, 6)
  expect(moved('head/bias')).toBeCloseTo(-0.1 - 0.19, 6)
})

describe('an optimizer that cannot be saved', () => {
  /** Gradient descent with the methods in `more`. */
  class Own extends tf.Optimizer {
    static readonly className = 'Own'
    learningRate = 0.1
    override applyGradients(
      gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[],
    ): void {
      for (const { name, tensor } of gradients as { name: string; tensor: tf.Tensor }[]) {
        const variable = tf.engine().registeredVariables[name]!
        tf.tidy(() => variable.assign(tf.sub(variable, tf.mul(tensor, this.learningRate))))
      }
      this.incrementIterations()
    }
    override getConfig(): tf.serialization.ConfigDict {
      return {}
    }
  }
  class Half extends Own {
    override async getWeights(): Promise<{ name: string; tensor: tf.Tensor }[]> {
      return [await this.saveIterations()]
    }
  }
  test.each([
    [new Own(), 'getWeights() is not implemented for this optimizer yet.'],
    [new Half(), 'it has no setWeights'],
  ])('trains, but is rejected before the first step with checkpoints', async (optimizer, why) => {
    const model = network()
    await train(options(model, optimizer))
    const before = values(model)
    const checkpoint = { save: () => {} }
    await expect(train({ ...options(model, optimizer), checkpoint })).rejects.toThrow(
      'train: expected optimizer to be one that can be saved, for checkpoints, got Own ' +
        `(${why}). Disable checkpoints, or implement getWeights and setWeights.`,
    )
    expect(values(model)).toEqual(before)
  })
})

describe('in two concurrent runs', () => {
  test.each(['optimizer', 'model'])(
    'one %s is refused, and free when the run has ended',
    async (which) => {
      const first = options(network(), tf.train.sgd(0.1))
      const second = options(
        which === 'model' ? (first.model as layers.LayersModel) : network(),
        which === 'optimizer' ? first.optimizer : tf.train.sgd(0.1),
      )
      const refused = `train: expected ${which} to be unused, got one that another run is using. Await that run`
      const before = values(second.model as layers.LayersModel)
      let tried = false
      for await (const _ of training({ ...first, readEvery: 1 })) {
        if (tried) break
        tried = true
        const now = which === 'model' ? values(second.model as layers.LayersModel) : before
        await expect(train({ ...second, tricks: [xavier()] })).rejects.toThrow(refused)
        expect(values(second.model as layers.LayersModel)).toEqual(now)
      }
      await expect(train({ ...first, epochs: -1 })).rejects.toThrow('epochs')
      await train(second)
    },
  )

  test('an error in onProgress ends the run', async () => {
    const ends: string[] = []
    const optimizer = tf.train.sgd(0.1)
    const run = {
      ...options(network(), optimizer),
      readEvery: 1,
      tricks: [
        {
          name: 'last',
          options: {},
          learningRate: () => 0.5,
          finish: ({ reason }: { reason: string }) => void ends.push(reason),
        },
      ],
    }
    const onProgress = (): void => {
      throw new Error('the disk is full')
    }
    await expect(train({ ...run, onProgress })).rejects.toThrow('the disk is full')
    expect(ends).toEqual(['aborted'])
    expect(optimizer.getConfig()).toEqual({ learningRate: 0.1 })
    await train(run)
  })
})

test.each([['adam'], [undefined], [null], [{}]])(
  'rejects values that are not optimizers: %j',
  async (given) => {
    const optimizer = given as unknown as tf.Optimizer
    const message = 'train: expected optimizer to be one such as tf.train.adam(0.001), got '
    for (const more of [{}, { checkpoint: { save: () => {} } }])
      await expect(train({ ...options(network(), optimizer), ...more })).rejects.toThrow(message)
    expect(() => openRun(options(network(), optimizer))).toThrow(message)
  },
)
