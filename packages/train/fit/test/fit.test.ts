import * as tf from '@tensorflow/tfjs-core'
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers'
import { batchNorm } from '@tricks/batch-norm'
import { binaryCrossEntropy } from '@tricks/binary-cross-entropy'
import { onEachBackend } from '@tricks/conformance'
import { createRandom, type Trick } from '@tricks/core'
import { cosineDecay } from '@tricks/cosine-decay'
import { cutout } from '@tricks/cutout'
import { progressiveResizing } from '@tricks/progressive-resizing'
import { l2 } from '@tricks/weight-penalty'
import { labelSmoothing } from '@tricks/label-smoothing'
import { mixup } from '@tricks/mixup'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { train, type RunOptions } from '@tricks/train'
import { constantWarmup, warmup } from '@tricks/warmup'
import { expect, test } from 'vitest'
import { forFit } from '../src/index.ts'
import { channels, height, images, width } from './scene.ts'

function network(): LayersModel {
  const model = sequential()
  const conv = { filters: 8, kernelSize: 3, padding: 'same', useBias: false, name: 'conv' } as const
  model.add(layers.conv2d({ ...conv, inputShape: [height, width, channels] }))
  model.add(batchNorm({ momentum: 0.9 }))
  model.add(layers.activation({ activation: 'relu' }))
  model.add(layers.globalAveragePooling2d({}))
  model.add(layers.dense({ units: 4, name: 'head' }))
  const random = createRandom(5)
  model.setWeights(
    model
      .getWeights()
      .map((weight, i) =>
        i === 0 || i === 3
          ? tf.randomNormal(weight.shape, 0, 0.3, 'float32', random.integer(1, 99))
          : weight,
      ),
  )
  return model
}

const tricks = (): Trick[] => [
  randomCrop({ padding: 2 }),
  randomFlip({ alternate: true }),
  cutout({ length: 4 }),
  mixup({ alpha: 1 }),
  labelSmoothing(),
  warmup({ multiplier: 4, over: { steps: 5 }, after: cosineDecay() }),
]
const options = <M>(model: M, list: Trick[] = tricks()): RunOptions & { model: M } =>
  ({
    model,
    data: { train: images(320 + 32) },
    tricks: list,
    optimizer: tf.train.momentum(0.05, 0.9),
    epochs: 2,
    batchSize: 32,
    validation: 32,
    seed: 7,
  }) as RunOptions & { model: M }

interface Seen {
  losses: number[]
  accuracies: number[]
  weights: number[]
}

async function byTrainer(list?: Trick[]): Promise<Seen> {
  const model = network()
  const seen: Seen = { losses: [], accuracies: [], weights: [] }
  await train({
    ...options(model, list),
    readEvery: 1,
    onProgress(progress) {
      if (progress.kind !== 'step') return
      seen.losses.push(progress.loss)
      seen.accuracies.push(progress.accuracy)
    },
  })
  return { ...seen, weights: model.getWeights().flatMap((weight) => [...weight.dataSync()]) }
}

async function byFit(list?: Trick[]): Promise<Seen> {
  const model = network()
  const seen: Seen = { losses: [], accuracies: [], weights: [] }
  const fit = forFit(options(model, list))
  model.compile(fit.compile)
  const note = {
    onBatchEnd: (_: number, logs?: Record<string, number>) => {
      seen.losses.push(logs!['loss']!)
      seen.accuracies.push(logs!['accuracy']!)
    },
  }
  await model.fitDataset(fit.dataset, {
    ...fit.args,
    callbacks: [...fit.args.callbacks, note] as never,
  })
  return { ...seen, weights: model.getWeights().flatMap((weight) => [...weight.dataSync()]) }
}

onEachBackend(() => {
  test("losses over 20 steps and weights are bit-equal to the trainer's", async () => {
    const trained = await byTrainer()
    const fitted = await byFit()
    expect(trained.losses).toHaveLength(20)
    expect(fitted.losses).toEqual(trained.losses)
    expect(fitted.weights).toEqual(trained.weights)
    expect(fitted.accuracies.map((each) => each.toFixed(5))).toEqual(
      trained.accuracies.map((each) => each.toFixed(5)),
    )
  })

  test('leaves no tensor behind', async () => {
    const model = network()
    const fit = forFit(options(model))
    model.compile(fit.compile)
    await model.fitDataset(fit.dataset, fit.args)
    const before = tf.memory().numTensors
    await model.fitDataset(fit.dataset, fit.args)
    expect(tf.memory().numTensors).toBe(before)
  })
})

test('supports losses, penalties, prepared tensors and observers', async () => {
  const observed: number[] = []
  const loss: Trick = {
    name: 'loss',
    options: {},
    prepare: ({ images: given }) => ({ mean: tf.mean(given) }),
    loss: (value, { prepared }) => tf.add(value, tf.square(prepared['mean']!)),
    penalty: (variables) => tf.mul(tf.sum(tf.square(variables['head/kernel']!)), 0.01),
    observe: [{ every: { steps: 5 }, metrics: ({ accuracy }) => void observed.push(accuracy) }],
  }
  const list = (): Trick[] => [
    loss,
    randomFlip(),
    constantWarmup({ until: 0.5, every: { steps: 2 } }),
  ]
  const trained = await byTrainer(list())
  const told = observed.splice(0)
  expect((await byFit(list())).losses).toEqual(trained.losses)
  expect(told).toHaveLength(4)
  expect(observed.map((each) => each.toFixed(5))).toEqual(told.map((each) => each.toFixed(5)))
})

test('an epoch may end the run, based on validation', async () => {
  const epochs: number[] = []
  const stop: Trick = {
    name: 'stop',
    options: {},
    afterEpoch({ epoch, validation }) {
      epochs.push(validation!.accuracy)
      return epoch === 0 ? { stop: 'enough' } : undefined
    },
  }
  const model = network()
  const fit = forFit(options(model, [stop]))
  model.compile(fit.compile)
  const history = await model.fitDataset(fit.dataset, fit.args)
  expect(epochs).toHaveLength(1)
  expect(history.epoch).toEqual([0])
  expect(epochs[0]).toBeCloseTo(history.history['val_accuracy']![0] as number, 6)
})

test('metrics count each of several labels, as the trainer does', async () => {
  const train352 = images(320 + 32)
  const targets = Array.from({ length: 352 * 4 }, (_, i) => Number((i * 7) % 3 === 0))
  const with4 = {
    ...options(network(), [binaryCrossEntropy()]),
    data: { train: { ...train352, targets } },
  }
  const { epochs } = await train(with4)
  const model = network()
  const fit = forFit({ ...with4, model, optimizer: tf.train.momentum(0.05, 0.9) })
  model.compile(fit.compile)
  const { history } = await model.fitDataset(fit.dataset, fit.args)
  epochs.forEach(({ validation, training }, i) => {
    expect(history['val_accuracy']![i]).toBeCloseTo(validation!.accuracy, 5)
    expect(history['val_loss']![i]).toBeCloseTo(validation!.loss, 5)
    expect(history['accuracy']![i]).toBeCloseTo(training.accuracy, 5)
  })
})

test('images may grow if the model is built for any size', async () => {
  const model = sequential({
    layers: [
      layers.conv2d({
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        inputShape: [null, null, channels],
      }),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 4, name: 'head' }),
    ],
  })
  const growing = progressiveResizing({ from: { steps: 5 }, until: { steps: 15 }, multiple: 1 })
  const sizes: number[] = []
  const spy: Trick = {
    name: 'spy',
    options: {},
    mix: { draw: (_, shape) => void sizes.push(shape.height), apply: (batch) => batch },
  }
  const fit = forFit(options(model, [growing, spy]))
  model.compile(fit.compile)
  await model.fitDataset(fit.dataset, fit.args)
  expect(sizes).toHaveLength(20)
  expect(new Set(sizes)).toEqual(new Set([4, 5, 6, 7, 8]))
})

test('rejects unsupported tricks by name', () => {
  const clip: Trick = { name: 'clipping', options: {}, gradients: (next) => next() }
  const average: Trick = { name: 'averaging', options: {}, evaluation: { weights: () => ({}) } }
  expect(() => forFit(options(network(), [randomFlip(), clip]))).toThrow(
    "fit: 'clipping' changes gradients, which fitDataset doesn't support; use train of @tricks/train",
  )
  expect(() => forFit(options(network(), [average]))).toThrow("'averaging' changes evaluation")
})

test.each(['conv', 'batch norm', 'conv and batch norm'])(
  'freezes the same layers as the trainer, %s, and an optimizer continues after unfreezing',
  async (which) => {
    const list = (): Trick[] => [randomFlip(), l2({ strength: 0.01, norms: true })]
    const runs: ((model: LayersModel, optimizer: tf.Optimizer) => Promise<unknown>)[] = [
      (model, optimizer) => train({ ...options(model, list()), optimizer, epochs: 1 }),
      async (model, optimizer) => {
        const fit = forFit({ ...options(model, list()), optimizer, epochs: 1 })
        model.compile(fit.compile)
        await model.fitDataset(fit.dataset, fit.args)
      },
    ]
    const weights = await Promise.all(
      runs.map(async (run) => {
        const model = network()
        const optimizer = tf.train.momentum(0.05, 0.9)
        const [conv, norm] = model.layers
        conv!.trainable = !which.includes('conv')
        norm!.trainable = !which.includes('norm')
        const before = weightsOf(model)
        await run(model, optimizer)
        const after = weightsOf(model)
        const held = Object.keys(before).filter((name) => before[name] === after[name])
        expect(held).toHaveLength((conv!.trainable ? 0 : 1) + (norm!.trainable ? 0 : 4))
        conv!.trainable = norm!.trainable = true
        await run(model, optimizer)
        return Object.values(weightsOf(model))
      }),
    )
    expect(weights[1]).toEqual(weights[0])
  },
)

const weightsOf = (model: LayersModel): Record<string, string> =>
  Object.fromEntries(
    model.weights.map((weight) => [weight.originalName, String([...weight.read().dataSync()])]),
  )

test('rejects an optimizer of another model, and one with unknown layers when fitDataset starts', async () => {
  const used = tf.train.adam(0.01)
  const model = network()
  model.layers[0]!.trainable = false
  const fit = forFit({ ...options(model, []), optimizer: used, epochs: 1 })
  model.compile(fit.compile)
  await model.fitDataset(fit.dataset, fit.args)
  expect(() => forFit({ ...options(network(), []), optimizer: used })).toThrow(
    'train: expected optimizer to be new or to have trained this model, got Adam with the state of ',
  )
  model.layers[0]!.trainable = true
  model.compile(fit.compile)
  await expect(model.fitDataset(fit.dataset, fit.args)).rejects.toThrow(
    'train: expected optimizer to be new or to have trained the same layers, got Adam without the state of conv/kernel',
  )
})

test('rejects a model of which fitDataset would train other variables', async () => {
  const stack = (...list: layers.Layer[]): LayersModel => sequential({ layers: list })
  const base = stack(
    layers.flatten({ inputShape: [height, width, channels] }),
    layers.dense({ name: 'base', units: 4 }),
  )
  const model = stack(base, layers.dense({ name: 'head', units: 4 }))
  const fitted = async (): Promise<unknown> => {
    const fit = forFit({ ...options(model, []), epochs: 1 })
    model.compile(fit.compile)
    return model.fitDataset(fit.dataset, fit.args)
  }
  base.trainable = false
  // tfjs includes a nested model that comes first.
  await expect(fitted()).rejects.toThrow(
    /^fit: expected fitDataset to train exactly the trainable variables, each once, got \S+\/base\/kernel 1 times, \S+\/base\/bias 1 times\. Call model\.compile\(fit\.compile\) after layers are frozen/,
  )
  for (const layer of base.layers) layer.trainable = false
  const before = weightsOf(base)
  await fitted()
  expect(weightsOf(base)).toEqual(before)

  for (const layer of [base, ...base.layers]) layer.trainable = true
  const fit = forFit({ ...options(model, []), epochs: 1 })
  model.compile(fit.compile)
  base.layers[1]!.trainable = false
  await expect(model.fitDataset(fit.dataset, fit.args)).rejects.toThrow('base/kernel 1 times')
})

/** tfjs's own hard sigmoid is piecewise linear, not a sigmoid operation, but returns probabilities all the same. */
const hardSigmoid = (): LayersModel =>
  sequential({
    layers: [
      layers.flatten({ inputShape: [height, width, channels] }),
      layers.dense({ units: 4, activation: 'hardSigmoid' }),
    ],
  })

test('rejects a model that returns probabilities', async () => {
  const model = sequential({ layers: [...network().layers, layers.softmax()] })
  expect(() => forFit(options(model, []))).toThrow(
    'train: the model ends in a softmax, but the losses take logits: remove the activation',
  )
  const bounded = hardSigmoid()
  const fit = forFit(options(bounded, []))
  bounded.compile(fit.compile)
  const before = weightsOf(bounded)
  await expect(bounded.fitDataset(fit.dataset, fit.args)).rejects.toThrow(
    'train: the model returns only values in [0, 1], as a sigmoid does, but the losses take logits',
  )
  expect(weightsOf(bounded)).toEqual(before)
})
