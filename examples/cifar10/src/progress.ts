import { Presets, SingleBar } from 'cli-progress'
import type { EpochProgress, Progress, StepProgress } from '@tricks/train'

/** Shows training as it goes: a bar an epoch in a terminal, else a line now and then. */
export interface ProgressView {
  show(progress: Progress): void
  end(): void
}

export function progressView(epochs: number): ProgressView {
  const clock = { began: performance.now(), printed: performance.now() }
  return process.stdout.isTTY ? bars(epochs, clock) : lines(epochs, clock)
}

interface ViewClock {
  readonly began: number
  printed: number
}

function bars(epochs: number, { began }: ViewClock): ProgressView {
  let bar: SingleBar | undefined
  const end = (): void => {
    bar?.stop()
    bar = undefined
  }
  return {
    show(progress) {
      if (progress.kind === 'epoch') {
        end()
        console.log(epochLine(progress, epochs))
        return
      }
      const { step, stepsPerEpoch } = progress.time
      const epoch = Math.floor(step / stepsPerEpoch)
      if (!bar) {
        bar = new SingleBar(
          {
            format: `epoch {epoch}/${epochs} {bar} {percentage}%  {figures}`,
            hideCursor: true,
            barsize: 24,
          },
          Presets.shades_classic,
        )
        bar.start(stepsPerEpoch, 0, { epoch: epoch + 1, figures: '' })
      }
      bar.update(step + 1 - epoch * stepsPerEpoch, { figures: stepFigures(progress, began) })
    },
    end,
  }
}

/** Seconds between two lines where nobody watches. */
const pause = 10

function lines(epochs: number, clock: ViewClock): ProgressView {
  return {
    show(progress) {
      if (progress.kind === 'epoch') {
        console.log(epochLine(progress, epochs))
        return
      }
      if (performance.now() - clock.printed < pause * 1000) return
      clock.printed = performance.now()
      const { step, steps } = progress.time
      console.log(`step ${step + 1}/${steps}  ${stepFigures(progress, clock.began)}`)
    },
    end() {},
  }
}

function stepFigures(
  { time, loss, rate, imagesPerSecond, skipped }: StepProgress,
  began: number,
): string {
  const left = ((performance.now() - began) / (time.step + 1)) * (time.steps - time.step - 1)
  return [
    `loss ${loss.toFixed(3)}`,
    `rate ${rate >= 0.001 ? rate.toPrecision(3) : rate.toExponential(1)}`,
    `${imagesPerSecond.toFixed(0)} images/s`,
    `${duration(left / 1000)} left`,
    ...(skipped === undefined ? [] : [`${skipped} skipped`]),
  ].join('  ')
}

function epochLine(
  { epoch, training, validation, seconds, skipped }: EpochProgress,
  epochs: number,
): string {
  return [
    `epoch ${epoch + 1}/${epochs} done`,
    `training loss ${training.loss.toFixed(3)}`,
    ...(validation ? [`validation accuracy ${percent(validation.accuracy)}`] : []),
    duration(seconds),
    ...(skipped === undefined ? [] : [`${skipped} steps skipped so far`]),
  ].join('  ')
}

export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
