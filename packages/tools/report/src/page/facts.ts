import { describePlan, type PlanLine, type RunRecord } from '@tricks/run/record'
import { count, counted } from '../format.ts'

type Row = readonly [name: string, value: string]

/** The run's configuration by topic, in the terms of the command line. */
export type Facts = Readonly<Record<'Data' | 'Training' | 'Machine', readonly Row[]>>

export const factsOf = (record: RunRecord): Facts => ({
  Data: dataOf(record),
  Training: trainingOf(record),
  Machine: machineOf(record),
})

/** Table rows, without unknown values. */
const known = (rows: Readonly<Record<string, string | number | undefined>>): Row[] =>
  Object.entries(rows).flatMap(([name, value]): Row[] =>
    value === undefined ? [] : [[name, typeof value === 'number' ? count(value) : value]],
  )

function dataOf({ run }: RunRecord): Row[] {
  const { from, height, width, channels, trainingImages, testImages, sha256 } = run.data ?? {}
  return known({
    Source: from,
    'Training images': trainingImages,
    'Validation images': validationText(run),
    'Test images': testImages === 0 ? 'none' : testImages,
    'Image size':
      height === undefined || width === undefined
        ? undefined
        : `${height} × ${width}, ${counted(channels ?? 3, 'channel')}`,
    Classes: run.classes?.length,
    'Broken pictures': run.settings?.skipBroken ? 'skipped' : undefined,
    'Checksum of the images': sha256?.slice(0, 12),
  })
}

function validationText({ data, validation }: RunRecord['run']): string | undefined {
  if (validation === 0) return 'none'
  if (validation === undefined || !data) return undefined
  return data.validationImages === undefined
    ? `${count(validation)} of the training images`
    : `${count(validation)}, a separate set`
}

function trainingOf({ run }: RunRecord): Row[] {
  const { settings = {} as NonNullable<typeof run.settings>, optimizer, parameters } = run
  return known({
    Recipe: settings.recipe,
    Model:
      run.model &&
      `${run.model}${parameters === undefined ? '' : `, ${counted(parameters, 'parameter')}`}`,
    Optimizer: optimizer && optimizerText(optimizer),
    Epochs: run.epochs,
    'Steps per epoch': run.stepsPerEpoch,
    'Batch size': run.batchSize,
    'Images per pass': settings.microBatch,
    'Images used': settings.limit,
    Teacher: settings.teacher,
    Precision: run.precision,
    'Non-finite losses': settings.nonFinite,
    Seed: run.seed === undefined ? undefined : String(run.seed),
  })
}

function optimizerText({ name, ...options }: NonNullable<RunRecord['run']['optimizer']>): string {
  const shown = Object.entries(options)
    .filter(([, value]) => ['number', 'boolean', 'string'].includes(typeof value))
    .map(([option, value]) => `${option} ${String(value)}`)
  return [name, ...shown].join(', ')
}

function machineOf({ run }: RunRecord): Row[] {
  const { node, tfjs } = run.versions ?? {}
  return known({
    Processor: run.hardware,
    Backend: run.backend,
    'Node.js': node,
    'TensorFlow.js': tfjs,
    Commit: run.revision?.replace(/^([0-9a-f]{12})[0-9a-f]+/, '$1'),
  })
}

/** The tricks in the order in which a step applies them. */
export const tricksOf = ({ run }: RunRecord): PlanLine[] => describePlan(run.pipeline ?? [])
