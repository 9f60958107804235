import {
  calibration,
  type EpochLine,
  type Predictions,
  predictedClasses,
  type RunRecord,
} from '@tricks/run/record'
import type { State } from './document.ts'
import { evaluatedOf } from './evaluated.ts'

/** The result of a run: on the test images, or without them on the validation images. */
export interface Result {
  readonly set: 'test' | 'validation'
  readonly accuracy: number
  readonly loss: number
  /** The number of images; absent if unknown. */
  readonly images?: number
}

/** The key numbers of a run; unknown ones are absent. */
export interface RunSummary {
  readonly state: State
  readonly result?: Result
  /** The epoch of the best validation accuracy. */
  readonly best?: EpochLine
  /** Expected calibration error on the images of the result. */
  readonly calibrationError?: number
  readonly steps: number
  /** Planned length of the run. */
  readonly allSteps?: number
  readonly stepsPerEpoch?: number
  readonly seconds?: number
  readonly imagesPerSecond?: number
  /** In bytes. */
  readonly memory?: number
}

export function summaryOf(record: RunRecord): RunSummary {
  const { run, steps, epochs } = record
  const result = resultOf(record)
  const predictions = evaluatedOf(record)?.predictions
  const best = bestOf(epochs)
  const speeds = steps.flatMap(({ wallClock }) => wallClock?.imagesPerSecond ?? [])
  const memory = highest([
    run.wallClock?.peakMemory ?? 0,
    ...epochs.map(({ wallClock }) => wallClock?.memory ?? 0),
  ])
  const stepsPerEpoch = run.stepsPerEpoch || stepsOfEpoch(epochs)
  const spent = epochs.reduce((sum, { wallClock }) => sum + (wallClock?.seconds ?? 0), 0)
  const seconds = spent || run.wallClock?.seconds
  return {
    state: stateOf(record),
    ...(result && { result }),
    ...(best && { best }),
    ...(predictions && { calibrationError: calibration(predictions).expectedError }),
    steps: highest([0, ...[...steps, ...epochs].map((line) => line.steps)]),
    ...(stepsPerEpoch !== undefined && { stepsPerEpoch }),
    ...(run.steps !== undefined && { allSteps: run.steps }),
    ...(seconds && { seconds }),
    ...(speeds.length > 0 && { imagesPerSecond: median(speeds) }),
    ...(memory > 0 && { memory }),
  }
}

function stateOf({ state, alive }: RunRecord): State {
  if (state === 'finished') return { word: 'finished', kind: 'good' }
  if (state === 'failed') return { word: 'failed', kind: 'bad' }
  if (state === 'aborted') return { word: 'stopped', kind: 'odd' }
  if (state === 'unknown') return { word: 'state unknown', kind: 'odd' }
  if (state !== 'running') return { word: `stopped early: ${state}`, kind: 'good' }
  if (alive === false) return { word: 'exited unexpectedly', kind: 'bad' }
  return { word: alive ? 'running' : 'running when it was last recorded', kind: 'going' }
}

/** Recorded test metrics if present, otherwise metrics computed from the predictions. */
function resultOf(record: RunRecord): Result | undefined {
  const evaluated = evaluatedOf(record)
  const images = evaluated && { images: evaluated.predictions.labels.length }
  if (record.run.test) return { set: 'test', ...record.run.test, ...(record.test && images) }
  return evaluated && { set: evaluated.set, ...metricsOf(evaluated.predictions), ...images }
}

function metricsOf(predictions: Predictions): { accuracy: number; loss: number } {
  const { logits, labels } = predictions
  const classes = logits.length / labels.length
  const losses = Array.from(labels, (label, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes)
    const most = highest(row)
    return most + Math.log(row.reduce((sum, each) => sum + Math.exp(each - most), 0)) - row[label]!
  })
  const correct = predictedClasses(predictions).filter((each, i) => each === labels[i])
  const loss = losses.reduce((sum, each) => sum + each, 0) / labels.length
  return { accuracy: correct.length / labels.length, loss }
}

function bestOf(epochs: readonly EpochLine[]): EpochLine | undefined {
  const validated = epochs.filter(({ validation }) => validation)
  const accuracy = highest(validated.map(({ validation }) => validation!.accuracy))
  return validated.find(({ validation }) => validation!.accuracy === accuracy)
}

/** Used if run.json is missing: an epoch's line is written at its end. */
const stepsOfEpoch = (epochs: readonly EpochLine[]): number | undefined =>
  epochs[0] && epochs[0].steps / (epochs[0].epoch + 1)

/** `Math.max` accepts only a limited number of arguments. */
const highest = (values: Iterable<number>): number => {
  let most = -Infinity
  for (const value of values) most = Math.max(most, value)
  return most
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
