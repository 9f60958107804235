import type { EpochProgress, StepProgress } from '@tricks/train'
import type { Course } from './course.ts'
import { duration, percent } from './format.ts'

export const stepMetrics = ({ loss, rate, imagesPerSecond, skipped }: StepProgress): string[] => [
  `loss ${loss.toFixed(3)}`,
  `rate ${rate >= 0.001 ? rate.toPrecision(3) : rate.toExponential(1)}`,
  `${imagesPerSecond.toFixed(0)} images/s`,
  ...(skipped === undefined ? [] : [`${skipped} skipped`]),
]

/** The line that remains of a finished epoch. */
export function epochLine(progress: EpochProgress, run: Course): string {
  const { epoch, training, validation, seconds, skipped } = progress
  const best = run.note(progress)
  return [
    `epoch ${epoch + 1}/${run.epochs} done`,
    `training loss ${training.loss.toFixed(3)}`,
    ...(validation ? [`validation accuracy ${percent(validation.accuracy)}`] : []),
    duration(seconds),
    ...(best ? ['best so far'] : validation ? [run.bestText()] : []),
    ...(skipped === undefined ? [] : [`${skipped} steps skipped so far`]),
  ].join('  ')
}
