import { type Bar, MultiBar, Presets } from 'cli-progress'
import type { StepProgress } from '@tricks/train'
import type { Course } from './course.ts'
import type { ProgressView } from './view.ts'
import { duration } from './format.ts'
import { epochLine, stepMetrics } from './words.ts'

/** Shows a bar for the run above one for the epoch; each finished epoch leaves a line. */
export function bars(
  stream: NodeJS.WriteStream,
  course: () => Course,
): Pick<ProgressView, 'show' | 'end'> {
  let shown: { both: MultiBar; run: Bar; epoch: Bar } | undefined
  const start = ({ steps, stepsPerEpoch }: StepProgress['time']): typeof shown => {
    const both = new MultiBar(
      {
        stream,
        hideCursor: true,
        barsize: 20,
        format: '{name} {bar} {count}  {metrics}',
        emptyOnZero: true,
        gracefulExit: false,
      },
      Presets.shades_classic,
    )
    const none = { count: '', metrics: '' }
    return {
      both,
      run: both.create(steps, 0, { name: 'run  ', ...none }),
      epoch: both.create(stepsPerEpoch, 0, { name: 'epoch', ...none }),
    }
  }
  return {
    show(progress) {
      const run = course()
      if (progress.kind === 'epoch') {
        const line = epochLine(progress, run)
        if (!shown) {
          stream.write(`${line}\n`)
          return
        }
        shown.both.log(`${line}\n`)
        // The bars, and the line with them, are redrawn only now and then; without this the last line would be lost.
        shown.both.update()
        return
      }
      shown ??= start(progress.time)
      const { step, steps, stepsPerEpoch } = progress.time
      const epoch = Math.floor(step / stepsPerEpoch)
      const within = step + 1 - epoch * stepsPerEpoch
      const share = Math.floor(((step + 1) / steps) * 100)
      shown!.run.update(step + 1, {
        count: `${String(share).padStart(3)} %`,
        metrics: [
          `epoch ${epoch + 1}/${run.epochs}`,
          `${duration(run.left(progress.time))} left`,
          run.bestText(),
        ].join('  '),
      })
      shown!.epoch.update(within, {
        count: `${String(Math.floor((within / stepsPerEpoch) * 100)).padStart(3)} %`,
        metrics: stepMetrics(progress).join('  '),
      })
    },
    end() {
      shown?.both.stop()
      shown = undefined
    },
  }
}
