import { bars } from './bars.ts'
import { Course, type RunLength } from './course.ts'
import { lines, throttled } from './lines.ts'
import type { ProgressView } from './view.ts'

/** How a run shows its progress: bars in a terminal, occasional lines, only the result, or JSON for programs. */
export const progressModes = ['bars', 'lines', 'quiet', 'json'] as const
export type ProgressMode = (typeof progressModes)[number]

export interface ProgressOptions {
  /** By default bars in a terminal, lines elsewhere. */
  readonly mode?: ProgressMode
  readonly stream?: NodeJS.WriteStream
}

/**
 * Creates the progress display of a run.
 *
 * @example
 * const view = progressView()
 * view.begin({ epochs: 10 })
 * await train({ ...options, onProgress: view.show })
 * view.end()
 */
export function progressView({
  mode,
  stream = process.stdout,
}: ProgressOptions = {}): ProgressView {
  const print = (line: string): void => void stream.write(`${line}\n`)
  const nothing = (): void => {}
  let run = new Course({ epochs: 1 })
  const begin = (length: RunLength): void => void (run = new Course(length))
  const result = (line: string): void => print(line.trim())
  const silent = {
    say: nothing,
    status: nothing,
    result,
    event: nothing,
    show: nothing,
    begin,
    end: nothing,
  }
  if (mode === 'quiet') return silent
  const json = (event: object): void => print(JSON.stringify(event))
  if (mode === 'json') return { ...silent, result: nothing, event: json }
  if (mode === 'lines' || !stream.isTTY) {
    const status = throttled(print)
    return { ...silent, say: print, status, result: print, show: lines(print, () => run) }
  }
  const clear = '\r\u001B[K'
  const over = (line: string): void => print(`${clear}${line}`)
  const status = (line: string): void => void stream.write(`${clear}${line}`)
  return { ...silent, say: over, status, result: over, ...bars(stream, () => run) }
}
