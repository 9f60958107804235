import * as tf from '@tensorflow/tfjs-core'
import { type NextGradients, type State, type Tensors, type Trick } from '@tricks/core'
import { composeRun, isDue } from '@tricks/core/run'
import { trainableOf } from '@tricks/core/model'
import { isRecord, short, show } from './law.ts'
import {
  imagesOf,
  logitsOf,
  runOf,
  shapeOf,
  sizeOf,
  steps,
  stepsPerEpoch,
  targetsOf,
  timeAt,
  variablesOf,
} from './scene.ts'

/** A hook's result at a step: values of tensors, a rate, a verdict. */
export interface Entry {
  readonly step: number
  readonly what: string
  readonly values: ArrayLike<number>
}

/** A run's state before a step, on the host, as a file would contain it. */
export interface Checkpoint {
  readonly step: number
  readonly weights: unknown
  readonly state: unknown
}
class StoredTensor {
  readonly shape: readonly number[]
  readonly dtype: tf.DataType
  readonly values: ArrayLike<number>
  constructor({ shape, dtype }: tf.Tensor, values: ArrayLike<number>) {
    this.shape = shape
    this.dtype = dtype
    this.values = values
  }
}

export interface RunOptions {
  /** Where to start; by default from the beginning. */
  readonly from?: Checkpoint
  /** Steps before which a checkpoint is made. */
  readonly saveAt?: readonly number[]
  /** Whether to evaluate after each epoch; default true. */
  readonly evaluates?: boolean
  /** How often to read each step's rate; default once. */
  readonly asks?: number
}

export interface Replay {
  readonly log: readonly Entry[]
  readonly checkpoints: readonly Checkpoint[]
}

/** Validation losses that fall, stay and rise, so that plateaus and early stopping occur. */
const validation = [1.5, 1, 1, 1.25]

/** Trains a small network briefly and records everything that the tricks do. */
export async function run(tricks: readonly Trick[], options: RunOptions = {}): Promise<Replay> {
  return replayed(steady(tricks, options))
}

/** Interleaves several runs with the same tricks, one step of each in turn. */
export async function interleaved(tricks: readonly Trick[], runs: number): Promise<Replay[]> {
  const playing = Array.from({ length: runs }, () => steady(tricks, {}))
  const results: (Replay | undefined)[] = playing.map(() => undefined)
  while (results.includes(undefined))
    for (const [i, each] of playing.entries()) results[i] ??= (await each.next()).value ?? undefined
  return results as Replay[]
}

async function replayed(playing: AsyncGenerator<void, Replay>): Promise<Replay> {
  for (;;) {
    const { done, value } = await playing.next()
    if (done) return value
  }
}

/** The run as a generator that pauses after each step. */
async function* steady(
  tricks: readonly Trick[],
  { from, saveAt = [], evaluates = true, asks = 1 }: RunOptions,
): AsyncGenerator<void, Replay> {
  const size = sizeOf(4)
  const pipeline = composeRun(tricks, {
    seed: 1,
    mean: shapeOf(size).mean,
    deviation: [0.25],
    stepsPerEpoch,
    steps,
  })
  const variables = variablesOf(size.channels)
  const trainable = Object.entries(trainableOf(variables))
  const made: { step: number; what: string; value: number | tf.Tensor }[] = []
  const losses: tf.Tensor[] = []
  const checkpoints: Checkpoint[] = []
  const begin = from?.step ?? 0

  /** Runs hooks as a trainer does, in a tidy. Results are read after the run, so that no step waits. */
  const hooks = (step: number, work: () => Record<string, unknown>): void => {
    const note = (what: string, value: unknown): void => {
      if (value instanceof tf.Tensor) made.push({ step, what, value: tf.keep(tf.clone(value)) })
      else if (typeof value === 'object' && value !== null)
        for (const [name, tensor] of Object.entries(value as Tensors))
          note(`${what} ${name}`, tensor)
      else if (value !== undefined) made.push({ step, what, value: Number(value) })
    }
    tf.tidy(() => {
      for (const [what, value] of Object.entries(work())) note(what, value)
    })
  }

  try {
    pipeline.start(runOf(variables, size, begin))
    if (from) {
      fresh(from.weights, (weights) => {
        for (const [path, value] of Object.entries(weights as Tensors))
          variables[path]!.assign(value)
      })
      fresh(from.state, (state) => pipeline.restore(state as State))
    }
    for (let step = begin; step < steps; step++) {
      if (saveAt.includes(step))
        checkpoints.push({
          step,
          weights: await store(tf.tidy(() => copies(variables))),
          state: await store(pipeline.save()),
        })
      const time = timeAt(step)
      hooks(step, () => {
        let rate = 0.1
        for (let i = 0; i < asks; i++) rate = pipeline.learningRate(0.1, time)
        const draws = pipeline.draw(shapeOf(size, step), time)
        const batch = pipeline.batch(imagesOf(size, step), targetsOf(size), time, draws)
        let loss = tf.scalar(0)
        const next: NextGradients = ({ batch: given = batch, statistics = 'update' } = {}) => {
          const { value, grads } = tf.variableGrads(
            () => pipeline.loss(given, logitsOf(variables, given.images, statistics), variables),
            trainable.map(([, variable]) => variable),
          )
          // A trick may request gradients inside its own tidy.
          loss = tf.keep(value)
          losses.push(loss)
          return Object.fromEntries(trainable.map(([path, { name }]) => [path, grads[name]!]))
        }
        const gradients = pipeline.gradients(next, batch, variables, (images) =>
          logitsOf(variables, images),
        )
        for (const [path, variable] of trainable)
          variable.assign(tf.sub(variable, tf.mul(gradients[path]!, rate)))
        pipeline.afterStep(variables, time)
        const { images, targets, mixedTargets, prepared } = batch
        return {
          rate,
          images,
          targets,
          'mixed targets': mixedTargets,
          prepared,
          loss,
          gradient: gradients,
          variable: variables,
        }
      })
      for (const observer of pipeline.observe)
        if (isDue(observer.every, time))
          observer.metrics({ loss: 2 / (step + 1), accuracy: step / steps }, time)
      yield
      if ((step + 1) % stepsPerEpoch > 0) continue

      const epoch = Math.floor(step / stepsPerEpoch)
      if (evaluates)
        hooks(step, () => {
          const { evaluation } = pipeline
          const weights = evaluation.weights(variables)
          const plain = (images: tf.Tensor4D): tf.Tensor2D =>
            logitsOf({ ...variables, ...(weights as typeof variables) }, images)
          const images = pipeline.normalize(imagesOf(size))
          const predictions = evaluation.predict(plain, images)
          return { 'evaluation weight': weights, 'evaluation prediction': predictions }
        })
      let stop = false
      hooks(step, () => {
        const metrics = { loss: validation[epoch]!, accuracy: 1 / (1 + validation[epoch]!) }
        const verdict = pipeline.afterEpoch({
          epoch,
          time: timeAt(step + 1),
          training: { loss: 2 / (epoch + 1), accuracy: 0.5 },
          validation: metrics,
          variables,
        })
        stop = verdict !== undefined
        return { stop, variable: variables }
      })
      if (stop) break
    }
    hooks(steps, () => {
      pipeline.finish({ reason: 'finished', time: timeAt(steps), variables })
      return { variable: variables }
    })
    const log = await Promise.all(
      made.map(async ({ step, what, value }): Promise<Entry> => {
        const values = typeof value === 'number' ? [value] : await value.data<'float32'>()
        return { step, what, values }
      }),
    )
    return { log, checkpoints }
  } finally {
    pipeline.dispose()
    tf.dispose([variables, losses, made.map(({ value }) => value)])
  }
}

const copies = (tensors: Tensors): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, tf.clone(tensor)]))

/** Copies a state to the host and disposes its tensors. */
async function store(state: unknown, name = 'the state'): Promise<unknown> {
  if (state instanceof tf.Tensor) {
    const stored = new StoredTensor(state, (await state.data()) as Float32Array)
    state.dispose()
    return stored
  }
  if (ArrayBuffer.isView(state)) return structuredClone(state)
  if (Array.isArray(state)) return Promise.all(state.map((each, i) => store(each, `${name}[${i}]`)))
  if (isRecord(state) && Object.getPrototypeOf(state) === Object.prototype) {
    const entries = Object.entries(state).map(async ([key, value]) => {
      const path = name === 'the state' ? key : `${name}.${key}`
      return [key, await store(value, path)] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }
  const json = ['string', 'boolean', 'undefined'].includes(typeof state) || state === null
  if (!json && !Number.isFinite(state))
    throw new Error(
      `${name} in the state is ${isRecord(state) ? `a ${state.constructor?.name}` : show(state)}, which a ` +
        `checkpoint can't store. Use JSON, typed arrays and tensors; null for a number that is not finite`,
    )
  return state
}

/** The state with new tensors, as restored from a file. */
function fresh(stored: unknown, use: (state: unknown) => void): void {
  const tensorsOf = (from: unknown): unknown => {
    if (from instanceof StoredTensor)
      return tf.tensor(Array.from(from.values), [...from.shape], from.dtype)
    if (Array.isArray(from)) return from.map(tensorsOf)
    if (!isRecord(from) || ArrayBuffer.isView(from)) return from
    return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, tensorsOf(value)]))
  }
  tf.tidy(() => use(tensorsOf(stored)))
}

/** Describes the first difference between two runs; undefined if they are bit-equal. */
export function firstDifference(
  expected: readonly Entry[],
  got: readonly Entry[],
): { readonly step: number; readonly words: string } | undefined {
  for (let i = 0; i < Math.max(expected.length, got.length); i++) {
    const [a, b] = [expected[i], got[i]]
    const { step, what } = (a ?? b)!
    if (!a || !b || a.what !== b.what || a.step !== b.step)
      return { step, words: `the run ${b ? 'continues' : 'ends'} at step ${step}` }
    const at = Array.from(a.values).findIndex((value, j) => !Object.is(value, b.values[j]))
    if (at < 0 && a.values.length === b.values.length) continue
    const [from, to] = [a.values[at]!, b.values[at]!]
    const apart = short(from) === short(to) ? String : short
    return { step, words: `the ${what} of step ${step} is ${apart(to)} instead of ${apart(from)}` }
  }
  return undefined
}
