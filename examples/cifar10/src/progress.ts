import { type Bar, MultiBar, Presets } from 'cli-progress'
import type { EpochProgress, Progress, StepProgress } from '@tricks/train'

/** How a run shows itself: bars in a terminal, lines now and then, the result alone, or JSON for machines. */
export const progressModes = ['bars', 'lines', 'quiet', 'json'] as const
export type ProgressMode = (typeof progressModes)[number]

export interface ProgressView {
  /** A line about the run, for a person. */
  say(line: string): void
  /** What came of the run: said even where nothing else is. */
  result(line: string): void
  /** Something that happened, for a machine. */
  event(event: object): void
  show(progress: Progress): void
  end(): void
}

export interface ProgressOptions {
  /** Default bars in a terminal, else lines. */
  readonly mode?: ProgressMode
  readonly stream?: NodeJS.WriteStream
}

/**
 * @example
 * const view = progressView()
 * view.begin({ epochs: 10 })
 * await train({ ...options, onProgress: view.show })
 * view.end()
 */
export function progressView({
  mode,
  stream = process.stdout,
}: ProgressOptions = {}): ProgressView & { begin(run: RunLength): void } {
  const print = (line: string): void => void stream.write(`${line}\n`)
  const nothing = (): void => {}
  let run = new Course({ epochs: 1 })
  const begin = (length: RunLength): void => void (run = new Course(length))
  const result = (line: string): void => print(line.trim())
  const silent = { say: nothing, result, event: nothing, show: nothing, begin, end: nothing }
  if (mode === 'quiet') return silent
  const json = (event: object): void => print(JSON.stringify(event))
  if (mode === 'json') return { ...silent, result: nothing, event: json }
  const person = { ...silent, say: print, result: print }
  return mode !== 'lines' && stream.isTTY
    ? { ...person, ...bars(stream, () => run) }
    : { ...person, show: lines(print, () => run) }
}

export interface RunLength {
  readonly epochs: number
  /** Of a run that goes on: its epochs so far, and its steps. */
  readonly earlier?: readonly EpochProgress[]
  readonly from?: number
}

/** What is known of a run on its way: the best so far, and the time that is left. */
class Course {
  readonly epochs: number
  best: { readonly accuracy: number; readonly epoch: number } | undefined
  private readonly began = performance.now()
  private readonly from: number

  constructor({ epochs, earlier = [], from = 0 }: RunLength) {
    this.epochs = epochs
    this.from = from
    for (const epoch of earlier) this.note(epoch)
  }

  /** Whether this epoch is the best so far. */
  note({ epoch, validation }: EpochProgress): boolean {
    if (!validation || validation.accuracy <= (this.best?.accuracy ?? -1)) return false
    this.best = { accuracy: validation.accuracy, epoch }
    return true
  }

  /** In seconds, at the pace so far, evaluation and all. */
  left({ step, steps }: StepProgress['time']): number {
    const done = step + 1 - this.from
    return ((performance.now() - this.began) / 1000 / done) * (steps - step - 1)
  }

  bestText(): string {
    return this.best ? `best ${percent(this.best.accuracy)} after epoch ${this.best.epoch + 1}` : ''
  }
}

/** A bar of the run above one of the epoch; a line stays of each epoch that is over. */
function bars(
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
        format: '{name} {bar} {count}  {figures}',
        emptyOnZero: true,
        gracefulExit: false,
      },
      Presets.shades_classic,
    )
    const none = { count: '', figures: '' }
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
        // The bars are drawn again now and then, and the line with them: it is not to be lost where the run ends.
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
        figures: [
          `epoch ${epoch + 1}/${run.epochs}`,
          `${duration(run.left(progress.time))} left`,
          run.bestText(),
        ].join('  '),
      })
      shown!.epoch.update(within, {
        count: `${String(Math.floor((within / stepsPerEpoch) * 100)).padStart(3)} %`,
        figures: stepFigures(progress).join('  '),
      })
    },
    end() {
      shown?.both.stop()
      shown = undefined
    },
  }
}

/** Seconds between two lines where nobody watches. */
const pause = 10

function lines(print: (line: string) => void, course: () => Course): ProgressView['show'] {
  let printed = performance.now()
  return (progress) => {
    const run = course()
    if (progress.kind === 'epoch') {
      print(epochLine(progress, run))
      return
    }
    if (performance.now() - printed < pause * 1000) return
    printed = performance.now()
    const { step, steps } = progress.time
    const left = `${duration(run.left(progress.time))} left`
    print([`step ${step + 1}/${steps}`, ...stepFigures(progress), left].join('  '))
  }
}

const stepFigures = ({ loss, rate, imagesPerSecond, skipped }: StepProgress): string[] => [
  `loss ${loss.toFixed(3)}`,
  `rate ${rate >= 0.001 ? rate.toPrecision(3) : rate.toExponential(1)}`,
  `${imagesPerSecond.toFixed(0)} images/s`,
  ...(skipped === undefined ? [] : [`${skipped} skipped`]),
]

function epochLine(progress: EpochProgress, run: Course): string {
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

export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
