// Seven short tricks with which the interface was tested before it was frozen; the trainer has no code for any of them.
// They are examples of hooks that the first packages don't use.
import * as tf from '@tensorflow/tfjs-core'
import { beforeEach, expect, test } from 'vitest'
import { during, type PipelineBatch, type Tensors, type Trick, type Variables } from '@tricks/core'
import { train, type TrainOptions, variablesOf } from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

/** Exponential moving average of the weights (Polyak and Juditsky 1992); evaluation reads the average. */
const averaging = (decay: number): Trick<{ average: Tensors }> => ({
  name: 'averaging',
  options: { decay },
  start: ({ variables }) => ({ average: { ...variables } }),
  afterStep(variables, { state }) {
    state.average = mapTensors(variables, (value, path) =>
      tf.add(tf.mul(state.average[path]!, decay), tf.mul(value, 1 - decay)),
    )
  },
  evaluation: {
    weights: (_, { average }) => mapTensors(average, (value) => value.clone()),
  },
})

/** Sharpness-aware minimisation (Foret et al. 2021): the gradient at the worst nearby weights. */
const sharpnessAware = (radius: number): Trick => ({
  name: 'sharpness-aware',
  options: { radius },
  gradients(next, { variables }) {
    const gradients = next()
    const scale = tf.div(radius, tf.add(globalNorm(gradients), 1e-12))
    const before = mapTensors(gradients, (_, path) => variables[path]!.clone())
    for (const [path, gradient] of Object.entries(gradients))
      variables[path]!.assign(tf.add(variables[path]!, tf.mul(gradient, scale)))
    const sharp = next({ statistics: 'keep' })
    for (const [path, value] of Object.entries(before)) variables[path]!.assign(value)
    return sharp
  },
})

/** Accumulates the gradients of small batches for a large one. */
const accumulation = (parts: number): Trick => ({
  name: 'accumulation',
  options: { parts },
  gradients(next, { batch }) {
    const total = batch.images.shape[0]
    const size = Math.ceil(total / parts)
    const sums: Record<string, tf.Tensor> = {}
    for (let begin = 0; begin < total; begin += size) {
      const count = Math.min(size, total - begin)
      for (const [path, gradient] of Object.entries(
        next({ batch: sliceOf(batch, begin, count) }),
      )) {
        const share = tf.mul(gradient, count / total)
        sums[path] = sums[path] ? tf.add(sums[path], share) : share
      }
    }
    return sums
  },
})

/** Clips the gradient's norm over all variables (Pascanu et al. 2013). */
const clipping = (norm: number): Trick => ({
  name: 'clipping',
  options: { norm },
  gradients(next) {
    const gradients = next()
    const scale = tf.minimum(1, tf.div(norm, globalNorm(gradients)))
    return mapTensors(gradients, (gradient) => tf.mul(gradient, scale))
  },
})

/** Test-time augmentation: averages an image and its mirror image. */
const mirrorAtTest: Trick = {
  name: 'mirror-at-test',
  options: {},
  evaluation: {
    predict: (next, images) => tf.mul(tf.add(next(images), next(tf.reverse(images, 2))), 0.5),
  },
}

/** Cuts the rate when the validation loss has not fallen for `patience` epochs. */
const plateau = (patience: number, factor: number): Trick<Plateau> => ({
  name: 'plateau',
  options: { patience, factor },
  setsRate: true,
  start: () => ({ scale: 1, best: Number.MAX_VALUE, since: 0 }),
  learningRate: (rate, _, { scale }) => rate * scale,
  afterEpoch({ validation }, state) {
    const { loss } = validation!
    state.since = loss < state.best ? 0 : state.since + 1
    state.best = Math.min(loss, state.best)
    if (state.since < patience) return undefined
    state.scale *= factor
    state.since = 0
    return undefined
  },
})
interface Plateau {
  scale: number
  best: number
  since: number
}

/** The same after a linear warm-up, on its own clock: it does not receive the warm-up's epochs. */
const warmThen = <S>(steps: number, after: Trick<S>): Trick<S> => ({
  ...after,
  name: 'warm-then',
  options: { steps },
  tricks: [after],
  learningRate: (rate, time, state) =>
    time.step < steps
      ? (rate * (time.step + 1)) / steps
      : after.learningRate!(
          rate,
          { ...time, step: time.step - steps, steps: time.steps - steps },
          state,
        ),
  afterEpoch: (epoch, state) =>
    epoch.time.step > steps ? after.afterEpoch!(epoch, state) : undefined,
})

/** Stops when validation accuracy has not risen for `patience` epochs, and restores the best weights. */
const stopEarly = (patience: number): Trick<Best> => ({
  name: 'stop-early',
  options: { patience },
  start: () => ({ accuracy: -1, epoch: 0, weights: {} }),
  afterEpoch({ epoch, validation, variables }, best) {
    const { accuracy } = validation!
    if (accuracy > best.accuracy)
      Object.assign(best, { accuracy, epoch, weights: { ...variables } })
    return epoch - best.epoch < patience
      ? undefined
      : { stop: `no better than epoch ${best.epoch} for ${patience} epochs` }
  },
  finish({ variables }, { weights }) {
    for (const [path, value] of Object.entries(weights)) variables[path]!.assign(value)
  },
})
interface Best {
  accuracy: number
  epoch: number
  weights: Tensors
}

const mapTensors = (
  tensors: Tensors | Variables,
  f: (tensor: tf.Tensor, path: string) => tf.Tensor,
): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, f(tensor, path)]))

const globalNorm = (gradients: Tensors): tf.Scalar =>
  tf.sqrt(tf.addN(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)))))

const sliceOf = (batch: PipelineBatch, begin: number, size: number): PipelineBatch => {
  const rows = <T extends tf.Tensor>(x: T): T => tf.slice(x, begin, size)
  const { images, targets, mixedTargets, prepared, time } = batch
  return {
    images: rows(images),
    targets: rows(targets),
    mixedTargets: rows(mixedTargets),
    prepared: mapTensors(prepared, rows),
    time,
  }
}

const options = (tricks: Trick[], more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: denseModel(),
  data: { train: blobs(150), test: blobs(60, 1) },
  optimizer: tf.train.momentum(0.1, 0.9),
  epochs: 3,
  batchSize: 32,
  tricks,
  ...more,
})
const weightsOf = (model: TrainOptions['model']): number[] =>
  Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])
const weightsAfter = async (tricks: Trick[], more?: Partial<TrainOptions>): Promise<number[]> => {
  const given = options(tricks, more)
  await train(given)
  return weightsOf(given.model)
}
const distance = (a: number[], b: number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)))

beforeEach(async () => {
  await tf.setBackend('cpu')
})

test('averaging: training is unaffected, evaluation uses the average', async () => {
  const plain = await train(options([]))
  const trick = averaging(0.95)
  const given = options([trick])
  const averaged = await train(given)
  expect(weightsOf(given.model)).toEqual(await weightsAfter([]))
  expect(averaged.epochs[0]!.training).toEqual(plain.epochs[0]!.training)
  expect(averaged.epochs[0]!.validation).not.toEqual(plain.epochs[0]!.validation)
  // Using the list again gives the same result: each run has fresh state.
  expect((await train(options([trick]))).test).toEqual(averaged.test)
  const before = tf.memory().numTensors
  const again = options([trick])
  const made = tf.memory().numTensors - before
  await train(again)
  again.optimizer.dispose()
  expect(tf.memory().numTensors - before - made).toBeLessThanOrEqual(0)
})

test('sharpness-aware: another gradient, and restored weights', async () => {
  expect(distance(await weightsAfter([sharpnessAware(0)]), await weightsAfter([]))).toBeLessThan(
    1e-6,
  )
  const sharp = await train(options([sharpnessAware(0.05)]))
  expect(sharp.test!.accuracy).toBeGreaterThan(0.9)
  expect(await weightsAfter([sharpnessAware(0.05)])).not.toEqual(await weightsAfter([]))
})

test('accumulation: four small batches equal one large batch', async () => {
  expect(distance(await weightsAfter([accumulation(4)]), await weightsAfter([]))).toBeLessThan(1e-5)
  const metrics = async (tricks: Trick[]): Promise<number> =>
    (await train(options(tricks))).epochs[2]!.training.loss
  expect(await metrics([accumulation(3)])).toBeCloseTo(await metrics([]), 5)
})

test('clipping: no effect below the norm, and works on accumulated gradients', async () => {
  expect(distance(await weightsAfter([clipping(1e6)]), await weightsAfter([]))).toBeLessThan(1e-6)
  const both = [clipping(0.1), accumulation(4)]
  expect(distance(await weightsAfter(both), await weightsAfter([clipping(0.1)]))).toBeLessThan(1e-5)
  const sgd = (): Partial<TrainOptions> => ({
    optimizer: tf.train.sgd(1),
    epochs: 1,
    batchSize: 135,
  })
  const start = weightsOf(denseModel())
  const moved = (await weightsAfter([clipping(0.01)], sgd())).map((w, i) => w - start[i]!)
  expect(Math.hypot(...moved)).toBeCloseTo(0.01, 5)
})

test('test-time mirroring: only evaluation changes', async () => {
  expect(await weightsAfter([mirrorAtTest])).toEqual(await weightsAfter([]))
  const losses = await Promise.all([train(options([mirrorAtTest])), train(options([]))])
  expect(losses[0].test!.loss).not.toBe(losses[1].test!.loss)
})

test('plateau after a warm-up: on its own clock, with its own state', async () => {
  const rates: number[] = []
  const watch: Trick = {
    name: 'watch',
    options: {},
    learningRate: (rate) => (rates.push(rate), rate),
  }
  const trick = warmThen(10, plateau(1, 0.1))
  const run = (): Promise<unknown> =>
    train(options([trick, watch], { epochs: 8, optimizer: tf.train.sgd(1e-9) }))
  await run()
  expect(rates.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, i) => (1e-9 * (i + 1)) / 10))
  expect(Math.max(...rates)).toBe(1e-9)
  expect(rates.at(-1)).toBeLessThan(1e-9)
  const once = rates.splice(0)
  await run()
  expect(rates).toEqual(once)
})

test('early stopping: ends the run with the best weights', async () => {
  const given = options([stopEarly(2)], { epochs: 30 })
  const { stopped, epochs, test: tested } = await train(given)
  expect(stopped).toMatch(/no better than epoch \d+ for 2 epochs/)
  const accuracies = epochs.map(({ validation }) => validation!.accuracy)
  const best = accuracies.indexOf(Math.max(...accuracies))
  expect(epochs).toHaveLength(best + 3)
  const short = await train(options([], { epochs: best + 1 }))
  expect(tested).toEqual(short.test)
})

test('all together, inside windows, for the whole run', async () => {
  const tricks = [
    clipping(1),
    accumulation(2),
    during({ from: { epochs: 1 } }, sharpnessAware(0.02)),
    averaging(0.9),
    mirrorAtTest,
    stopEarly(9),
    warmThen(5, plateau(3, 0.5)),
  ]
  const result = await train(options(tricks, { epochs: 4 }))
  expect(result.stopped).toBe('finished')
  expect(result.test!.accuracy).toBeGreaterThan(0.9)
})
