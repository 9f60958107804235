import type { Course } from './course.ts'
import type { ProgressView } from './view.ts'
import { duration } from './format.ts'
import { epochLine, stepMetrics } from './words.ts'

/** Seconds between two lines. */
const pause = 10

/** Prints a line if none was printed for a while. */
export function throttled(print: (line: string) => void): (line: string) => void {
  let printed = performance.now()
  return (line) => {
    if (performance.now() - printed < pause * 1000) return
    printed = performance.now()
    print(line)
  }
}

/** A line per epoch, and one now and then in between. */
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
