import * as tf from '@tensorflow/tfjs-core'
import {
  Callback,
  callbacks as tfCallbacks,
  CustomCallback,
  type CustomCallbackArgs,
  input,
  layers,
  type LayersModel,
  model as functional,
  sequential,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers'
import { cosineDecay } from '@tricks/cosine-decay'
import { type End, type Trick } from '@tricks/core'
import { labelSmoothing } from '@tricks/label-smoothing'
import { randomFlip } from '@tricks/random-flip'
import { expect, test } from 'vitest'
import { type Fit, type FitOptions, forFit } from '../src/index.ts'
import { channels, height, images, width } from './scene.ts'

const head = () => layers.dense({ units: 4, name: 'head', kernelInitializer: 'ones' })
const models = {
  sequential: () =>
    sequential({ layers: [layers.flatten({ inputShape: [height, width, channels] }), head()] }),
  functional: () => {
    const entry = input({ shape: [height, width, channels] })
    const flat = layers.flatten().apply(entry) as SymbolicTensor
    return functional({ inputs: entry, outputs: head().apply(flat) as SymbolicTensor })
  },
}

function prepare(given: Partial<FitOptions> = {}): { model: LayersModel; fit: Fit } {
  const model = given.model ?? models.sequential()
  const fit = forFit({
    model,
    data: { train: images(40) },
    tricks: [randomFlip(), labelSmoothing(), cosineDecay()],
    optimizer: tf.train.momentum(0.05, 0.9),
    epochs: 3,
    batchSize: 16,
    validation: 8,
    seed: 7,
    ...given,
  })
  model.compile(fit.compile)
  return { model, fit }
}

const weightsOf = (model: LayersModel): number[] =>
  model.getWeights().flatMap((weight) => [...weight.dataSync()])

/** A callback of each kind that records finished epochs in `seen`. */
const note = (seen: number[]): Required<Pick<CustomCallbackArgs, 'onEpochEnd'>> => ({
  onEpochEnd: (epoch) => void seen.push(epoch),
})
class Own extends Callback {
  readonly seen: number[]
  constructor(seen: number[]) {
    super()
    this.seen = seen
  }
  override async onEpochEnd(epoch: number): Promise<void> {
    const { params, model } = this as unknown as {
      params: Record<string, unknown>
      model: LayersModel
    }
    expect(params).toMatchObject({ epochs: 3, steps: 2, doValidation: true })
    expect(params['metrics']).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy'])
    expect(weightsOf(model)).toHaveLength(4 * (height * width * channels + 1))
    this.seen.push(epoch)
  }
}
const patient = () => tfCallbacks.earlyStopping({ monitor: 'loss', patience: 9 })

/** Callbacks beside or around the tricks' own one, and how many of them record epochs. */
const mixtures: Record<string, (own: CustomCallbackArgs[], seen: number[]) => [unknown, number]> = {
  'none added': (own) => [own, 0],
  'an empty list': () => [[], 0],
  'no list': () => [undefined, 0],
  'a plain object after': (own, seen) => [[...own, note(seen)], 1],
  'a plain object before': (own, seen) => [[note(seen), ...own], 1],
  'a plain object alone': (_, seen) => [note(seen), 1],
  'a CustomCallback after': (own, seen) => [[...own, new CustomCallback(note(seen))], 1],
  'a CustomCallback before': (own, seen) => [[new CustomCallback(note(seen)), ...own], 1],
  'a CustomCallback alone': (_, seen) => [new CustomCallback(note(seen)), 1],
  'earlyStopping after': (own) => [[...own, patient()], 0],
  'earlyStopping before': (own) => [[patient(), ...own], 0],
  'earlyStopping alone': () => [patient(), 0],
  'a class of its own after': (own, seen) => [[...own, new Own(seen)], 1],
  'a class of its own before': (own, seen) => [[new Own(seen), ...own], 1],
  'a mixture after': (own, seen) => [
    [...own, note(seen), patient(), new CustomCallback(note(seen)), new Own(seen)],
    3,
  ],
  'a mixture around': (own, seen) => [
    [patient(), note(seen), ...own, new Own(seen), note(seen), new CustomCallback(note(seen))],
    4,
  ],
}

test.each(Object.entries(mixtures))('trains identically with %s', async (_, callbacksOf) => {
  const expected = prepare()
  await expected.model.fitDataset(expected.fit.dataset, expected.fit.args)
  for (const build of Object.values(models)) {
    const seen: number[] = []
    const { model, fit } = prepare({ model: build() })
    const [callbacks, count] = callbacksOf(fit.args.callbacks, seen)
    const { epoch, history } = await model.fitDataset(fit.dataset, {
      ...fit.args,
      callbacks: callbacks as never,
    })
    expect(epoch).toEqual([0, 1, 2])
    expect(seen).toEqual([0, 1, 2].flatMap((each) => Array<number>(count).fill(each)))
    expect(weightsOf(model)).toEqual(weightsOf(expected.model))
    expect(Object.keys(history).toSorted()).toEqual([
      'accuracy',
      'loss',
      'val_accuracy',
      'val_loss',
    ])
    for (const values of Object.values(history))
      expect(values.map((value) => Number.isFinite(value))).toEqual([true, true, true])
  }
})

test('the types take every kind', async () => {
  const { model, fit } = prepare()
  const { args, dataset } = fit
  const seen: number[] = []
  const stop = tfCallbacks.earlyStopping({ monitor: 'val_loss', mode: 'max', patience: 1 })
  await model.fitDataset(dataset, { ...args, callbacks: [...args.callbacks, stop] })
  await model.fitDataset(dataset, { ...args, callbacks: [...args.callbacks, note(seen)] })
  const custom = new CustomCallback(note(seen))
  await model.fitDataset(dataset, { ...args, callbacks: [...args.callbacks, custom, stop] })
  expect(seen.length).toBeGreaterThan(3)
})

test("tfjs's earlyStopping stops training, and the tricks are notified", async () => {
  const ends: End['reason'][] = []
  const trick: Trick = { name: 'end', options: {}, finish: ({ reason }) => void ends.push(reason) }
  const { model, fit } = prepare({ tricks: [trick], epochs: 3 })
  // Monitors for a rising loss, but it falls.
  const stop = tfCallbacks.earlyStopping({ monitor: 'loss', mode: 'max', patience: 1 })
  const { epoch } = await model.fitDataset(fit.dataset, {
    ...fit.args,
    callbacks: [...fit.args.callbacks, stop],
  })
  expect(epoch).toEqual([0, 1])
  expect(ends).toEqual(['aborted'])
})

test('if a callback stops within an epoch, the tricks see no epoch', async () => {
  const epochs: number[] = []
  const trick: Trick = {
    name: 'epochs',
    options: {},
    afterEpoch: ({ epoch }) => void epochs.push(epoch),
  }
  const { model, fit } = prepare({ tricks: [trick] })
  const stop: CustomCallbackArgs = {
    onBatchEnd(batch, logs) {
      expect(logs).toMatchObject({ batch, size: 16 })
      if (epochs.length === 1) model.stopTraining = true
    },
  }
  await model.fitDataset(fit.dataset, { ...fit.args, callbacks: [...fit.args.callbacks, stop] })
  expect(epochs).toEqual([0])
})

test('yieldEvery applies to each plain callback', async () => {
  const yields: string[] = []
  const mine = { onYield: (epoch: number, batch: number) => void yields.push(`${epoch}/${batch}`) }
  const { model, fit } = prepare({ epochs: 1 })
  const train = (yieldEvery: 'auto' | 'batch' | 'epoch' | 'never' | number, callback = {}) =>
    model.fitDataset(fit.dataset, {
      ...fit.args,
      yieldEvery,
      callbacks: [...fit.args.callbacks, callback],
    })
  for (const each of ['auto', 'batch', 'epoch', 'never', 1] as const)
    expect((await train(each)).epoch).toEqual([0])
  await train(1e-9, mine)
  expect(yields).toEqual(['0/0', '0/1'])
  await expect(train('never', mine)).rejects.toThrow('yieldEvery is `never`')
  // Afterwards it trains as before.
  expect((await train('never')).epoch).toEqual([0])
})

test('a callback that throws ends the run for the tricks, and leaves no tensor behind', async () => {
  const ends: End['reason'][] = []
  const trick: Trick = {
    name: 'end',
    options: {},
    prepare: ({ images: seen }) => ({ mean: tf.mean(seen) }),
    finish: ({ reason }) => void ends.push(reason),
  }
  const optimizer = tf.train.momentum(0.05, 0.9)
  const { model, fit } = prepare({ tricks: [trick, cosineDecay()], optimizer })
  await model.fitDataset(fit.dataset, fit.args)
  const before = tf.memory().numTensors
  const broken = {
    onEpochEnd: () => {
      throw new Error('no disk')
    },
  }
  await expect(
    model.fitDataset(fit.dataset, { ...fit.args, callbacks: [...fit.args.callbacks, broken] }),
  ).rejects.toThrow('no disk')
  expect(ends).toEqual(['finished', 'failed'])
  expect(tf.memory().numTensors).toBe(before)
  expect((optimizer as unknown as { learningRate: number }).learningRate).toBe(0.05)
})

test('each fitDataset is a separate run, or continues the last one', async () => {
  const seen: string[] = []
  const trick: Trick<{ steps: number }> = {
    name: 'count',
    options: {},
    start: () => ({ steps: 0 }),
    afterStep: (_, { state }) => void state.steps++,
    finish: (_, { steps }) => void seen.push(`${steps} steps`),
  }
  const { model, fit } = prepare({ tricks: [trick] })
  await model.fitDataset(fit.dataset, fit.args)
  await model.fitDataset(fit.dataset, { ...fit.args, epochs: 2 })
  await model.fitDataset(fit.dataset, { ...fit.args, initialEpoch: 2 })
  expect(seen).toEqual(['6 steps', '4 steps', '6 steps'])
})

test('two fits of one model are independent, and training on other data is unaffected', async () => {
  const { model, fit } = prepare()
  const other = forFit({
    model,
    data: { train: images(40) },
    optimizer: tf.train.sgd(0.1),
    epochs: 1,
    batchSize: 20,
    validation: 0,
  })
  model.compile(other.compile)
  const { history } = await model.fitDataset(other.dataset, other.args)
  expect(Object.keys(history)).toEqual(['loss', 'accuracy'])
  model.compile(fit.compile)
  expect((await model.fitDataset(fit.dataset, fit.args)).epoch).toHaveLength(3)
  const xs = tf.zeros([4, height, width, channels])
  const ys = tf.oneHot([0, 1, 2, 3], 4)
  expect((await model.fit(xs, ys, { epochs: 2 })).epoch).toHaveLength(2)
})

test('rejects unsupported arguments of fitDataset', async () => {
  const { model, fit } = prepare()
  const xs = tf.zeros([4, height, width, channels])
  const ys = tf.oneHot([0, 1, 2, 3], 4)
  await expect(model.fit(xs, ys, { callbacks: fit.args.callbacks })).rejects.toThrow(
    'fit: expected the callbacks of fit.args to be used with model.fitDataset(fit.dataset, …), got other data',
  )
  const train = (given: object) => model.fitDataset(fit.dataset, { ...fit.args, ...given })
  await expect(train({ epochs: 4 })).rejects.toThrow(
    'fit: expected epochs to be at most 3, the epochs given to forFit, which schedules depend on, got 4',
  )
  await expect(train({ batchesPerEpoch: 1 })).rejects.toThrow(
    'fit: expected batchesPerEpoch to be absent, as an epoch is all batches of fit.dataset, got 1',
  )
  await expect(train({ classWeight: { 0: 2 } })).rejects.toThrow(
    'fit: expected classWeight to be absent, as the loss is that of the tricks, got {"0":2}',
  )
  model.compile({ ...fit.compile, metrics: [] })
  await expect(train({})).rejects.toThrow(
    'fit: expected the metrics to contain those of fit.compile, got loss',
  )
  model.compile({ ...fit.compile, loss: 'meanSquaredError' })
  await expect(train({})).rejects.toThrow('Call model.compile(fit.compile) before fitDataset')
  expect(() => forFit({ model: {} as LayersModel } as FitOptions)).toThrow(
    'fit: expected model to be a LayersModel',
  )
  expect(() => prepare({ precision: 'bfloat16' } as object)).toThrow(
    "fit: expected precision to be 'float32', got bfloat16",
  )
})

test('custom metrics can be added to those of the tricks', async () => {
  const { model, fit } = prepare()
  const doubled = (targets: tf.Tensor, logits: tf.Tensor) =>
    tf.mul(tf.losses.softmaxCrossEntropy(targets, logits), 2)
  model.compile({ ...fit.compile, metrics: [...fit.compile.metrics, doubled] })
  const { history } = await model.fitDataset(fit.dataset, fit.args)
  const [loss, twice] = [history['val_loss']!, history['val_doubled']!] as number[][]
  expect(twice![0]).toBeCloseTo(2 * loss![0]!, 4)
})
