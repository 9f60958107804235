import * as tf from '@tensorflow/tfjs-core'
import {
  compose,
  type Json,
  type NextGradients,
  type State,
  stepsOf,
  type Tensors,
  type Trick,
} from '@tricks/core'
import { short } from './law.ts'
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

/** What a hook made at a step: numbers of tensors, a rate, a verdict. */
export interface Entry {
  readonly step: number
  readonly what: string
  readonly values: ArrayLike<number>
}

/** A run at the moment before a step, on the host, as a file would hold it. */
export interface Checkpoint {
  readonly step: number
  readonly weights: Stored
  readonly state: Stored | undefined
}
type Stored = { readonly [name: string]: Json | StoredTensor | Stored }
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
  /** Where to start; by default at the beginning. */
  readonly from?: Checkpoint
  /** Steps before which a checkpoint is made. */
  readonly saveAt?: readonly number[]
  /** Whether there is an evaluation after each epoch; default true. */
  readonly evaluates?: boolean
  /** How often the rate of each step is asked for; default once. */
  readonly asks?: number
}

/** Validation losses that fall, rest, and rise, so that plateaus and early stops have their say. */
const validation = [1.5, 1, 1, 1.25]

/** A short training of a small network, all that the tricks did written down. */
export async function run(
  tricks: readonly Trick[],
  { from, saveAt = [], evaluates = true, asks = 1 }: RunOptions = {},
): Promise<{ readonly log: readonly Entry[]; readonly checkpoints: readonly Checkpoint[] }> {
  const size = sizeOf(4)
  const pipeline = compose(tricks, {
    seed: 1,
    mean: shapeOf(size).mean,
    deviation: [0.25],
    stepsPerEpoch,
    steps,
  })
  const variables = variablesOf(size.channels)
  const trainable = Object.entries(variables).filter(([, variable]) => variable.trainable)
  const made: { step: number; what: string; value: number | tf.Tensor }[] = []
  const losses: tf.Tensor[] = []
  const checkpoints: Checkpoint[] = []
  const begin = from?.step ?? 0

  /** Runs hooks as a trainer does, in a tidy. What they gave is read when the run is over, so that no step waits. */
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
    tf.tidy(() => pipeline.setup(runOf(variables, size, begin)))
    if (from) {
      await restore(from.weights, (weights) => {
        for (const [path, value] of Object.entries(weights as Tensors))
          variables[path]!.assign(value)
      })
      if (from.state) await restore(from.state, (state) => pipeline.state!.restore(state))
    }
    for (let step = begin; step < steps; step++) {
      if (saveAt.includes(step))
        checkpoints.push({
          step,
          weights: await store(tf.tidy(() => copies(variables))),
          state: pipeline.state && (await store(saved(pipeline.state))),
        })
      const time = timeAt(step)
      hooks(step, () => {
        let rate = 0.1
        for (let i = 0; i < asks; i++) rate = pipeline.learningRate(0.1, time)
        const batch = pipeline.batch(imagesOf(size, step), targetsOf(size), time)
        let loss = tf.scalar(0)
        const next: NextGradients = ({ batch: given = batch, statistics = 'update' } = {}) => {
          const { value, grads } = tf.variableGrads(
            () => pipeline.loss(given, logitsOf(variables, given.images, statistics), variables),
            trainable.map(([, variable]) => variable),
          )
          // A trick may ask for gradients in a tidy of its own.
          loss = tf.keep(value)
          losses.push(loss)
          return Object.fromEntries(trainable.map(([path, { name }]) => [path, grads[name]!]))
        }
        const gradients = pipeline.gradients(next, batch, variables)
        for (const [path, variable] of trainable)
          variable.assign(tf.sub(variable, tf.mul(gradients[path]!, rate)))
        pipeline.afterStep?.(variables, pipeline.step(time))
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
      for (const observer of pipeline.observe ?? [])
        if ((step + 1) % Math.max(1, stepsOf(observer.every, time)) === 0)
          observer.metrics({ loss: 2 / (step + 1), accuracy: step / steps }, time)
      if ((step + 1) % stepsPerEpoch > 0) continue

      const epoch = Math.floor(step / stepsPerEpoch)
      if (evaluates)
        hooks(step, () => {
          const { evaluation } = pipeline
          const weights = evaluation?.weights?.(variables)
          const plain = (images: tf.Tensor4D): tf.Tensor2D =>
            logitsOf({ ...variables, ...(weights as typeof variables) }, images)
          const images = pipeline.normalize(imagesOf(size))
          const predictions = evaluation?.predict?.(plain, images) ?? plain(images)
          return { 'evaluation weight': weights, 'evaluation prediction': predictions }
        })
      let stop = false
      hooks(step, () => {
        const metrics = { loss: validation[epoch]!, accuracy: 1 / (1 + validation[epoch]!) }
        const verdict = pipeline.afterEpoch?.({
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
    const log = await Promise.all(
      made.map(async ({ step, what, value }): Promise<Entry> => {
        const values = typeof value === 'number' ? [value] : await value.data<'float32'>()
        return { step, what, values }
      }),
    )
    return { log, checkpoints }
  } finally {
    tf.dispose([variables, losses, made.map(({ value }) => value)])
  }
}

const copies = (tensors: Tensors): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, tf.clone(tensor)]))

/** The state twice, to see that its tensors are the caller's own; then once. */
function saved(state: NonNullable<Trick['state']>): State {
  const save = (): State => tf.tidy(() => state.save() as tf.TensorContainerObject) as State
  const [first, second] = [save(), save()]
  const [own, others] = [tensorsOf(first), tensorsOf(second)]
  const shared = own.find(([, tensor]) => others.some(([, other]) => other === tensor))
  if (shared)
    throw new Error(
      `state.save gives the trick's own tensor ${shared[0]}, which the caller disposes. Give a copy: ` +
        `tf.clone(tensor)`,
    )
  tf.dispose(others.map(([, tensor]) => tensor))
  return first
}

/** A state's tensors, with the names that lead to them. */
const tensorsOf = (state: State): [string, tf.Tensor][] =>
  Object.entries(state).flatMap(([name, value]): [string, tf.Tensor][] => {
    if (value instanceof tf.Tensor) return [[name, value]]
    return isNested(value) ? tensorsOf(value as State) : []
  })

const isNested = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Puts a state on the host and disposes its tensors, which are the caller's. */
async function store(state: State): Promise<Stored> {
  const entries = Object.entries(state).map(async ([name, value]) => {
    if (value instanceof tf.Tensor) {
      const stored = new StoredTensor(value, (await value.data()) as Float32Array)
      value.dispose()
      return [name, stored] as const
    }
    if (isNested(value)) return [name, await store(value as State)] as const
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new Error(
        `state.save gives ${name}: ${value}, which JSON can't hold. Save null in its place`,
      )
    return [name, structuredClone(value) as Json] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

/** Gives a state back in fresh tensors, and sees that they were left alone. */
async function restore(stored: Stored, use: (state: State) => void): Promise<void> {
  const tensors: tf.Tensor[] = []
  const fresh = (from: Stored): State =>
    Object.fromEntries(
      Object.entries(from).map(([name, value]) => {
        if (value instanceof StoredTensor) {
          const tensor = tf.tensor(Array.from(value.values), [...value.shape], value.dtype)
          tensors.push(tensor)
          return [name, tensor]
        }
        return [name, isNested(value) ? fresh(value as Stored) : (value as Json)]
      }),
    )
  const state = fresh(stored)
  tf.tidy(() => use(state))
  if (tensors.some((tensor) => tensor.isDisposed))
    throw new Error(
      'state.restore disposes the tensors that it is given. Keep clones: tf.keep(tf.clone(tensor))',
    )
  tf.dispose(tensors)
}

/** Where two runs first part, in words; undefined where they are equal to the bit. */
export function parting(
  expected: readonly Entry[],
  got: readonly Entry[],
): { readonly step: number; readonly words: string } | undefined {
  for (let i = 0; i < Math.max(expected.length, got.length); i++) {
    const [a, b] = [expected[i], got[i]]
    const { step, what } = (a ?? b)!
    if (!a || !b || a.what !== b.what || a.step !== b.step)
      return { step, words: `the run ${b ? 'goes on' : 'ends'} at step ${step}` }
    const at = Array.from(a.values).findIndex((value, j) => !Object.is(value, b.values[j]))
    if (at < 0 && a.values.length === b.values.length) continue
    const [from, to] = [a.values[at]!, b.values[at]!]
    const apart = short(from) === short(to) ? String : short
    return { step, words: `the ${what} of step ${step} is ${apart(to)} in place of ${apart(from)}` }
  }
  return undefined
}
