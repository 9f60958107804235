import type { Metrics, PlanStage } from '@tricks/core'
import * as v from 'valibot'

// The content of a run's folder: run.json, and metrics.jsonl with one line per report. All code that writes, reads or
// compares these files uses these types. Files are untrusted, so reading validates them.

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** JSON writes NaN and infinity as null. */
const measure = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? NaN),
)
const metrics = v.object({ loss: measure, accuracy: measure })

/** The settings from which a resumed run is set up again. */
export const settingsSchema = v.strictObject({
  /** A built-in recipe's name, or the path of a file. */
  recipe: v.pipe(v.string(), v.minLength(1)),
  /** 'cifar10', 'cifar100', or a folder. */
  data: v.pipe(v.string(), v.minLength(1)),
  seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1)),
  backend: v.pipe(v.string(), v.minLength(1)),
  model: v.optional(v.string()),
  epochs: v.optional(count),
  limit: v.optional(v.pipe(count, v.minValue(1))),
  size: v.optional(v.pipe(count, v.minValue(1))),
  skipBroken: v.optional(v.boolean()),
  /** The run to distil from. */
  teacher: v.optional(v.string()),
  /** Images per forward pass. */
  microBatch: v.optional(v.pipe(count, v.minValue(1))),
  nonFinite: v.optional(v.picklist(['stop', 'skip'])),
  precision: v.optional(v.picklist(['float32', 'bfloat16'])),
  /** Where the network's weights come from: a name or a file. */
  from: v.optional(v.pipe(v.string(), v.minLength(1))),
  /** Passes over the images whose features the last layer is fitted to. */
  views: v.optional(v.pipe(count, v.minValue(1))),
  /** The time limit by which the length was chosen. */
  minutes: v.optional(v.pipe(v.number(), v.minValue(0))),
  balance: v.optional(v.boolean()),
})
export type Settings = Readonly<v.InferOutput<typeof settingsSchema>>

const planTrick: v.GenericSchema<PlanStage['tricks'][number]> = v.looseObject({
  name: v.string(),
  key: v.string(),
  options: v.any(),
  tricks: v.optional(v.array(v.lazy(() => planTrick))),
}) as never

const headSchema = v.looseObject({
  /** Numbers per image. */
  features: count,
  /** Passes over the images, augmented by tricks. */
  passes: count,
  decay: v.number(),
  training: metrics,
  validation: v.optional(metrics),
  /** Whether the layer was fitted to the validation images too, after the decay was chosen on them. */
  refitted: v.optional(v.boolean()),
})
export type HeadFacts = Readonly<v.InferOutput<typeof headSchema>>

/** The schema of run.json. */
export const runSchema = v.looseObject({
  /** 'running', 'finished', 'aborted', 'failed', or a trick's reason to stop. */
  state: v.string(),
  error: v.optional(v.string()),
  /** The command line that repeats the run. */
  command: v.optional(v.string()),
  settings: v.optional(settingsSchema),
  model: v.optional(v.string()),
  parameters: v.optional(count),
  /** Including its configuration. */
  optimizer: v.optional(v.looseObject({ name: v.string() })),
  epochs: v.optional(count),
  stepsPerEpoch: v.optional(count),
  steps: v.optional(count),
  batchSize: v.optional(count),
  repeats: v.optional(count),
  validation: v.optional(count),
  pipeline: v.optional(
    v.array(
      v.object({ stage: v.string(), tricks: v.array(planTrick) }),
    ) as never as v.GenericSchema<readonly PlanStage[]>,
  ),
  classes: v.optional(v.array(v.string())),
  seed: v.optional(count),
  precision: v.optional(v.string()),
  data: v.optional(
    v.looseObject({
      /** A folder, or the name of a data set. */
      from: v.optional(v.string()),
      height: v.optional(count),
      width: v.optional(count),
      channels: v.optional(count),
      /** Including those kept for validation. */
      trainingImages: v.optional(count),
      /** If they are a separate set. */
      validationImages: v.optional(count),
      testImages: v.optional(count),
      /** Checksum of the training and validation images. */
      sha256: v.optional(v.string()),
    }),
  ),
  backend: v.optional(v.string()),
  /** The git commit of the folder in which the run was started. */
  revision: v.optional(v.string()),
  versions: v.optional(v.record(v.string(), v.string())),
  hardware: v.optional(v.string()),
  /** How the last layer was fitted, for a run that started from pretrained weights. */
  head: v.optional(headSchema),
  /** Training images of each class, in the classes' order. */
  classCounts: v.optional(v.array(count)),
  test: v.optional(metrics),
  /** By which the logits were divided, so that the confidence matches the accuracy. */
  temperature: v.optional(v.number()),
  skipped: v.optional(count),
  mean: v.optional(v.array(v.number())),
  deviation: v.optional(v.array(v.number())),
  wallClock: v.optional(
    v.looseObject({
      began: v.optional(v.string()),
      resumed: v.optional(v.array(v.object({ steps: count }))),
      seconds: v.optional(v.number()),
      /** In bytes. */
      peakMemory: v.optional(v.number()),
    }),
  ),
})
export type RunFacts = Readonly<v.InferOutput<typeof runSchema>>

/** A line of metrics.jsonl about steps: means since the previous line. */
export interface StepLine extends Metrics {
  readonly kind: 'step'
  /** Number of completed steps. */
  readonly steps: number
  readonly rate: number
  readonly skipped?: number
  readonly wallClock?: { readonly imagesPerSecond?: number }
}

/** A line of metrics.jsonl about an epoch. */
export interface EpochLine {
  readonly kind: 'epoch'
  readonly steps: number
  /** From 0. */
  readonly epoch: number
  readonly rate: number
  readonly training: Metrics
  readonly validation?: Metrics
  readonly skipped?: number
  readonly wallClock?: { readonly seconds?: number; readonly memory?: number }
}

const common = { steps: count, rate: v.number(), skipped: v.optional(count) }
export const lineSchema = v.variant('kind', [
  v.looseObject({
    kind: v.literal('step'),
    ...common,
    ...metrics.entries,
    wallClock: v.optional(v.looseObject({ imagesPerSecond: v.optional(v.number()) })),
  }),
  v.looseObject({
    kind: v.literal('epoch'),
    ...common,
    epoch: count,
    training: metrics,
    validation: v.optional(metrics),
    wallClock: v.optional(
      v.looseObject({ seconds: v.optional(v.number()), memory: v.optional(v.number()) }),
    ),
  }),
])

/** Describes the first problem: 'settings.seed: expected …'. */
export function firstIssue(issues: readonly v.BaseIssue<unknown>[]): string {
  const [issue] = issues
  const path = v.getDotPath(issue as never)
  return `${path === null ? '' : `${path}: `}${issue!.message}`
}
