import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Duration, type Json, type State } from '@tricks/core'
import { isDuration } from '@tricks/core/options'
import { checkFacts, type RunFacts } from './facts.ts'
import type { MeterState } from './meter.ts'
import type { Skips } from './non-finite.ts'
import { fits, restoreOptimizer, saveOptimizer } from './optimizer-state.ts'
import { checkState, decodeState, encodeState } from './trick-state.ts'
import type { EpochProgress } from './progress.ts'
import type { OpenRun, RunOptions } from './run.ts'
import { trainedIn } from './trained.ts'

/** The complete state of a run, from which it can resume. Tensors are host values by name. */
export interface Checkpoint {
  /** Steps done. */
  readonly step: number
  /** Identifies the run; a checkpoint can only be resumed in the same run. */
  readonly run: RunFacts
  readonly epochs: readonly EpochProgress[]
  readonly meter: MeterState
  /** Absent if no step was skipped. */
  readonly skips?: Skips
  /** The tricks' states, with references to tensors instead of the tensors. */
  readonly tricks: Json
  /** Named with the prefixes `model/`, `optimizer/` and `tricks/`. */
  readonly tensors: Readonly<Record<string, HostTensor>>
}

export interface HostTensor {
  readonly dtype: 'float32' | 'int32' | 'bool'
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array | Uint8Array
}

/** When to make checkpoints, and how to save them. */
export interface CheckpointOptions {
  /** Time between checkpoints; default an epoch. */
  readonly every?: Duration
  /** Also makes one if this many seconds have passed since the last. */
  readonly seconds?: number
  /**
   * Saves a checkpoint. `best` is true if the epoch has the best validation accuracy so far. Awaited before the next
   * step.
   */
  save(checkpoint: Checkpoint, best: boolean): void | Promise<void>
}

/** Checks the options. @throws RangeError for an option with which no checkpoint would be made or saved */
export function checkCheckpointOptions({ every, seconds, save }: CheckpointOptions): void {
  const assertOwn = (valid: boolean, name: string, value: unknown, range: string): void =>
    assertArgument(valid, 'train', { [`checkpoint.${name}`]: value }, range)
  const units = 'one of { steps }, { epochs } and { fraction }'
  assertOwn(every === undefined || isDuration(every), 'every', every, units)
  const spaced = seconds === undefined || (typeof seconds === 'number' && seconds >= 0)
  assertOwn(spaced, 'seconds', seconds, 'a number of at least 0')
  assertOwn(typeof save === 'function', 'save', save, 'a function that keeps the checkpoint')
}

/** Captures the state of a run. @param facts identify the run */
export async function capture(
  facts: RunFacts,
  options: RunOptions,
  run: OpenRun,
  progress: Pick<Checkpoint, 'step' | 'epochs' | 'meter' | 'skips'>,
): Promise<Checkpoint> {
  const held: Record<string, tf.Tensor> = {}
  for (const [path, variable] of Object.entries(run.variables)) held[`model/${path}`] = variable
  const optimizer = await saveOptimizer(options.optimizer, run.variables)
  for (const [name, tensor] of Object.entries(optimizer)) held[`optimizer/${name}`] = tensor
  const saved = run.pipeline.save()
  const tricks = encodeState(saved, 'tricks', held)

  const tensors: Record<string, HostTensor> = {}
  for (const [name, tensor] of Object.entries(held))
    tensors[name] = {
      dtype: tensor.dtype as HostTensor['dtype'],
      shape: tensor.shape,
      values: (await tensor.data()).slice(),
    }
  // The variables belong to the run; the optimizer's and tricks' tensors were copies.
  tf.dispose([optimizer, saved as tf.TensorContainerObject])
  return { ...progress, run: facts, tricks, tensors }
}

/**
 * Validates a checkpoint against the run before anything is restored: a file may contain anything, even with a valid
 * checksum.
 *
 * @throws Error saying what is wrong
 */
function check(
  checkpoint: Checkpoint,
  { optimizer }: RunOptions,
  run: OpenRun,
  facts: RunFacts,
): void {
  const wrong = (what: string): Error => new Error(`train: the checkpoint is damaged: ${what}`)
  const { step, epochs, meter, skips, run: saved, tensors } = checkpoint
  if (typeof saved !== 'object' || saved === null) throw wrong('it contains no run')
  checkFacts(saved, facts)
  const { steps, stepsPerEpoch } = run.data.time(0)
  const count = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
  if (!count(step) || step > steps) throw wrong(`expected a step of ${steps}, got ${String(step)}`)
  const judged = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    ['loss', 'accuracy'].every((name) => Number.isFinite((value as Record<string, unknown>)[name]))
  const whole =
    Array.isArray(epochs) &&
    epochs.length === Math.floor(step / stepsPerEpoch) &&
    epochs.every(
      (each: Partial<EpochProgress> | null) =>
        judged(each?.training) && (each!.validation === undefined || judged(each!.validation)),
    )
  if (!whole) throw wrong('its epochs do not match its step')
  const sums =
    Array.isArray(meter) &&
    meter.length === 2 + run.pipeline.observe.length &&
    meter.every(
      (sum: unknown) => Array.isArray(sum) && sum.length === 3 && sum.every(Number.isFinite),
    )
  if (!sums) throw wrong('its metric sums are invalid')
  if (skips !== undefined && !(count(skips?.total) && count(skips?.consecutive)))
    throw wrong('its count of skipped steps is invalid')

  for (const [path, { shape, dtype }] of Object.entries(run.variables)) {
    const tensor = tensors[`model/${path}`]
    if (tensor?.shape.join() !== shape.join() || tensor.dtype !== dtype)
      throw wrong(`it contains no ${path} [${shape.join(', ')}]`)
  }
  const last = run.data.time(Math.max(0, step - 1))
  const trained = trainedIn(run.variables, run.pipeline, last)
  if (!fits(optimizer, run.variables, trained, under('optimizer/', tensors)))
    throw wrong("the optimizer's state does not fit the model")
}

/** The entries with the given prefix, with the prefix removed from their names. */
const under = <T>(prefix: string, entries: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  )

export async function restore(
  checkpoint: Checkpoint,
  facts: RunFacts,
  options: RunOptions,
  run: OpenRun,
): Promise<void> {
  check(checkpoint, options, run, facts)
  const { tensors, tricks } = checkpoint
  const made = Object.fromEntries(
    Object.entries(tensors).map(([name, { values, shape, dtype }]) => [
      name,
      tf.tensor(values, [...shape], dtype),
    ]),
  )
  try {
    for (const [path, variable] of Object.entries(run.variables))
      variable.assign(made[`model/${path}`]!)
    await restoreOptimizer(options.optimizer, run.variables, under('optimizer/', made))
    const state = decodeState(tricks, made)
    const fresh = run.pipeline.save()
    try {
      checkState(state, fresh)
    } finally {
      tf.dispose(fresh as tf.TensorContainerObject)
    }
    run.pipeline.restore(state as State)
  } catch (error) {
    throw new Error(`train: the checkpoint can't be restored: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    tf.dispose(made)
  }
}
