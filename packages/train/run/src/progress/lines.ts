import type { Course } from './course.ts'
import type { ProgressView } from './view.ts'
import { duration } from './format.ts'
import { epochLine, stepMetrics } from './words.ts'

/** Minimum time between two lines, in seconds. */
const pause = 10

/** Limits how often lines are printed. */
export function throttled(print: (line: string) => void): (line: string) => void {
  let printed = performance.now()
  return (line) => {
    if (performance.now() - printed < pause * 1000) return
    printed = performance.now()
    print(line)
  }
}

/** Prints a line per epoch, and occasional lines in between. */
export function lines(print: (line: string) => void, course: () => Course): ProgressView['show'] {
  const sometimes = throttled(print)
  return (progress) => {
    const run = course()
    if (progress.kind === 'epoch') {
      print(epochLine(progress, run))
      return
    }
    const { step, steps } = progress.time
    const left = `${duration(run.left(progress.time))} left`
    sometimes([`step ${step + 1}/${steps}`, ...stepMetrics(progress), left].join('  '))
  }
}
