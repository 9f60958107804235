import * as tf from '@tensorflow/tfjs-core'
import { type Json, type Trick } from '@tricks/core'
import { keyOf } from '@tricks/core/run'
import { trainableOf } from '@tricks/core/model'
import type { ImageSet } from './image-set.ts'
import { imagesFingerprint, labelsFingerprint, tensorsFingerprint } from './fingerprint.ts'
import type { Precision } from '@tricks/kernels'
import type { OpenRun, RunOptions } from './run.ts'
import { topologyOf } from './topology.ts'

/** The properties that must match when a checkpoint is resumed. */
export type RunFacts = Readonly<Record<string, Json | undefined>>

/**
 * Everything that a run's result depends on, except the initial weights, which a checkpoint replaces. Excludes whatever
 * only affects memory, time or reports. Collected before the first step, as a trick may freeze layers later.
 */
export async function factsOf(
  options: RunOptions,
  { data, variables, baseRate }: OpenRun,
  precision: Precision,
): Promise<RunFacts> {
  const { model, optimizer, epochs, batchSize = 128, seed = 0, tricks = [] } = options
  const { balanced, repeats = 1 } = options
  const { train, validation, test } = options.data
  const trainable = trainableOf(variables)
  return {
    backend: tf.getBackend(),
    model: Object.entries(variables).map(
      ([path, { shape }]) =>
        `${path} [${shape.join(', ')}]${Object.hasOwn(trainable, path) ? '' : ', not trained'}`,
    ),
    layers: topologyOf(model),
    tricks: tricks.map(describeTrick),
    constants: await constantsOf(tricks),
    optimizer: {
      name: optimizer.getClassName(),
      ...(optimizer.getConfig() as Record<string, Json>),
      learningRate: baseRate,
    },
    data: { ...data.facts },
    classes: train.classes.map((name) => name.normalize()),
    ...fingerprintsOf('training', train),
    ...(validation
      ? fingerprintsOf('validation', validation)
      : { validation: data.heldOut?.indices.length ?? 0 }),
    // The test images are read only at the end.
    testLabels: test && labelsFingerprint(test),
    epochs,
    batchSize,
    seed,
    ...(balanced && { balanced }),
    ...(repeats > 1 && { repeats }),
    precision,
  }
}

const fingerprintsOf = (name: string, set: ImageSet): Record<string, string> => ({
  [`${name}Images`]: imagesFingerprint(set),
  ...(set.larger && { [`${name}Larger`]: imagesFingerprint({ ...set, ...set.larger }) }),
  [`${name}Labels`]: labelsFingerprint(set),
})

/**
 * Describes a trick by everything that its effect depends on, except constants: name, key, options, and those of a
 * combinator's tricks.
 *
 * @example
 * describeTrick(cutout()) // { name: 'cutout', options: { length: 16, … } }
 */
export const describeTrick = ({ name, key, options, tricks }: Trick): Json => ({
  name,
  ...(key !== undefined && { key }),
  options,
  ...(tricks && { tricks: tricks.map(describeTrick) }),
})

/** Fingerprints of the tricks' constants, by the path of their keys. */
async function constantsOf(tricks: readonly Trick[], prefix = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const trick of tricks) {
    const path = `${prefix}${keyOf(trick)}`
    const constants = trick.constants?.()
    if (constants && Object.keys(constants).length > 0)
      found[path] = await tensorsFingerprint(constants)
    Object.assign(found, await constantsOf(trick.tricks ?? [], `${path}/`))
  }
  return found
}

const textOf = (value: unknown): string => JSON.stringify(value) ?? 'none'

/** @throws Error naming each difference, with the saved and the current value */
export function checkFacts(saved: RunFacts, here: RunFacts): void {
  const differences = Object.keys({ ...saved, ...here })
    .filter((fact) => textOf(saved[fact]) !== textOf(here[fact]))
    .map((fact) => {
      const [then, now] = apart(saved[fact], here[fact])
      return `  ${fact}: saved ${textOf(then)}, here ${textOf(now)}`
    })
  if (differences.length > 0)
    throw new Error(
      `train: the checkpoint is of another run\n${differences.join('\n')}\n` +
        'Resume with the original settings, or start a new run.',
    )
}

/** The first entries that differ between two lists, or the entries that differ between two objects. */
function apart(saved: unknown, here: unknown): readonly [saved: unknown, here: unknown] {
  if (Array.isArray(saved) && Array.isArray(here)) {
    const longer = saved.length > here.length ? saved : here
    const i = longer.findIndex((_, index) => textOf(saved[index]) !== textOf(here[index]))
    return apart(saved[i], here[i])
  }
  if (!isObject(saved) || !isObject(here)) return [saved, here]
  const differing = (one: Record<string, unknown>, other: Record<string, unknown>): object =>
    Object.fromEntries(
      Object.entries(one).filter(
        ([key, value]) => ['name', 'layer'].includes(key) || textOf(value) !== textOf(other[key]),
      ),
    )
  return [differing(saved, here), differing(here, saved)]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
