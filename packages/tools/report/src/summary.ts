import type { EpochLine, RunRecord } from '@tricks/run'
import { calibration } from '@tricks/run'

/** A run in a few figures; what is not known is absent. */
export interface RunSummary {
  readonly state: { readonly word: string; readonly kind: 'good' | 'bad' | 'going' | 'odd' }
  readonly test?: { readonly accuracy: number; readonly loss: number; readonly images?: number }
  /** The epoch of the best validation accuracy. */
  readonly best?: EpochLine
  /** Expected calibration error on the test images. */
  readonly calibrationError?: number
  readonly steps: number
  /** Of the whole run. */
  readonly allSteps?: number
  readonly stepsPerEpoch?: number
  readonly seconds?: number
  readonly imagesPerSecond?: number
  /** Bytes. */
  readonly memory?: number
}

export function summaryOf(record: RunRecord): RunSummary {
  const { run, steps, epochs, test } = record
  const figures = metricsOf(run['test'])
  const images = test?.labels.length
  const speeds = steps.flatMap(({ wallClock }) => wallClock?.imagesPerSecond ?? [])
  const memory = [
    field(run['wallClock'], 'peakMemory') ?? 0,
    ...epochs.map(({ wallClock }) => wallClock?.memory ?? 0),
  ]
  const validated = epochs.filter(({ validation }) => validation)
  const best = validated.reduce<EpochLine | undefined>(
    (found, each) =>
      found && found.validation!.accuracy >= each.validation!.accuracy ? found : each,
    undefined,
  )
  const stepsPerEpoch = numberOf(run['stepsPerEpoch']) ?? stepsOfAnEpoch(epochs)
  const allSteps = numberOf(run['steps'])
  const spent = epochs.reduce((sum, { wallClock }) => sum + (wallClock?.seconds ?? 0), 0)
  const seconds = spent || field(run['wallClock'], 'seconds')
  return {
    state: stateOf(record),
    ...(figures && { test: { ...figures, ...(images !== undefined && { images }) } }),
    ...(best && { best }),
    ...(test && { calibrationError: calibration(test).expectedError }),
    steps: Math.max(0, ...[...steps, ...epochs].map((line) => line.steps)),
    ...(stepsPerEpoch !== undefined && { stepsPerEpoch }),
    ...(allSteps !== undefined && { allSteps }),
    ...(seconds && { seconds }),
    ...(speeds.length > 0 && { imagesPerSecond: median(speeds) }),
    ...(Math.max(...memory) > 0 && { memory: Math.max(...memory) }),
  }
}

function stateOf({ state, alive }: RunRecord): RunSummary['state'] {
  if (state === 'finished') return { word: 'finished', kind: 'good' }
  if (state === 'failed') return { word: 'failed', kind: 'bad' }
  if (state === 'aborted') return { word: 'stopped before its end', kind: 'odd' }
  if (state === 'unknown') return { word: 'in an unknown state', kind: 'odd' }
  if (state === 'running')
    return alive === false
      ? { word: 'ended without a word', kind: 'bad' }
      : { word: alive ? 'still running' : 'running when last heard of', kind: 'going' }
  return { word: `stopped early: ${state}`, kind: 'good' }
}

/** Where run.json doesn't tell: an epoch's line comes at its end. */
const stepsOfAnEpoch = (epochs: readonly EpochLine[]): number | undefined =>
  epochs[0] && epochs[0].steps / (epochs[0].epoch + 1)

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined

const field = (value: unknown, name: string): number | undefined =>
  typeof value === 'object' && value !== null
    ? numberOf((value as Record<string, unknown>)[name])
    : undefined

function metricsOf(value: unknown): { accuracy: number; loss: number } | undefined {
  const [accuracy, loss] = [field(value, 'accuracy'), field(value, 'loss')]
  return accuracy === undefined || loss === undefined ? undefined : { accuracy, loss }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
