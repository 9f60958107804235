import * as tf from '@tensorflow/tfjs-core'
import { type Json, keyOf, type Trick } from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
import type { ImageSet } from './image-set.ts'
import { imagesFingerprint, labelsFingerprint, tensorsFingerprint } from './fingerprint.ts'
import type { Precision } from '@tricks/kernels'
import type { OpenRun, RunOptions } from './run.ts'
import { topologyOf } from './topology.ts'

/** What has to be the same for a checkpoint to continue. */
export type RunFacts = Readonly<Record<string, Json | undefined>>

/**
 * All that a run's result depends on. Not the initial weights, which a checkpoint replaces, and not what changes memory,
 * time or reports alone. Taken before the first step, as a trick may freeze layers later.
 */
export async function factsOf(
  options: RunOptions,
  { data, variables, baseRate }: OpenRun,
  precision: Precision,
): Promise<RunFacts> {
  const { model, optimizer, epochs, batchSize = 128, seed = 0, tricks = [] } = options
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
    // Its images are read at the end, and not before.
    testLabels: test && labelsFingerprint(test),
    epochs,
    batchSize,
    seed,
    precision,
  }
}

const fingerprintsOf = (name: string, set: ImageSet): Record<string, string> => ({
  [`${name}Images`]: imagesFingerprint(set),
  [`${name}Labels`]: labelsFingerprint(set),
})

/**
 * A trick by what its effect depends on besides constants: name, key, options, and those of a combinator's tricks.
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

/** The fingerprints of what tricks read and don't change, by the path of their keys. */
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

/** @throws Error naming each fact that differs, with what was saved and what is here */
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
        'Resume with what the run began with, or begin a new run.',
    )
}

/** Of two lists the first entries that differ; of two objects what differs, and what they are called. */
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
