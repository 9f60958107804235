import { type Content, encodeEvent, histogramOf, stepOf } from './event.ts'
import { frame, recordsOf } from './record.ts'

/** Writes event files for TensorBoard. Each call writes to the file before it returns. */
export interface TensorBoard {
  /** Numbers by tag, such as `training/loss`. */
  scalars(step: number, values: Readonly<Record<string, number>>): void
  image(step: number, tag: string, png: Uint8Array): void
  /** The distribution of values, such as a layer's weights; non-finite values are skipped. */
  histogram(step: number, tag: string, values: ArrayLike<number>): void
  text(step: number, tag: string, markdown: string): void
  /** The hyperparameters of this run, for TensorBoard's table. */
  hyperparameters(values: Readonly<Record<string, string | number | boolean>>): void
  close(): void
}

const fileName = /^events\.out\.tfevents\.(\d+)\.tricks$/

/**
 * Writes event files to a folder that `tensorboard --logdir` reads. Runs in Node.
 *
 * For a resumed run, events of later steps than `after` are removed, so that no step appears twice. Each call begins a
 * new file, which also tells a running TensorBoard to discard the removed events.
 *
 * @param options.after steps done; default 0, which starts from scratch
 * @throws Error if the folder can't be written
 * @example
 * const board = await openTensorBoard('runs/one/tensorboard')
 * board.scalars(20, { 'training/loss': 2.1, 'training/accuracy': 0.2 })
 * board.close()
 */
export async function openTensorBoard(
  folder: string,
  { after = 0 }: { readonly after?: number } = {},
): Promise<TensorBoard> {
  const {
    closeSync,
    mkdirSync,
    openSync,
    readdirSync,
    readFileSync,
    truncateSync,
    unlinkSync,
    writeSync,
  } = await import('node:fs')
  const { join } = await import('node:path')
  mkdirSync(folder, { recursive: true })
  const numbers = readdirSync(folder).flatMap((name) => {
    const found = fileName.exec(name)
    return found ? [Number(found[1])] : []
  })
  const pathOf = (number: number): string =>
    join(folder, `events.out.tfevents.${String(number).padStart(10, '0')}.tricks`)
  for (const path of numbers.map(pathOf)) {
    const kept = after === 0 ? 0 : lengthUntil(readFileSync(path), after)
    if (kept === 0) unlinkSync(path)
    else truncateSync(path, kept)
  }

  // Files are read in name order, even if the clock was set back.
  const number = Math.max(Math.floor(Date.now() / 1000), ...numbers.map((own) => own + 1))
  const file = openSync(pathOf(number), 'wx')
  const write = (step: number, content: Content): void => {
    writeSync(file, frame(encodeEvent({ wallTime: Date.now() / 1000, step, content })))
  }
  write(0, { kind: 'version' })
  write(after === 0 ? 0 : after + 1, { kind: 'start' })
  return {
    scalars(step, values) {
      for (const [tag, value] of Object.entries(values)) write(step, { kind: 'scalar', tag, value })
    },
    image: (step, tag, png) => write(step, { kind: 'image', tag, png }),
    histogram: (step, tag, values) =>
      write(step, { kind: 'histogram', tag, histogram: histogramOf(values) }),
    text: (step, tag, markdown) => write(step, { kind: 'text', tag, markdown }),
    hyperparameters: (values) => write(0, { kind: 'hyperparameters', values }),
    close: () => closeSync(file),
  }
}

/**
 * The length of the part of a file up to the given step; events are in step order. An incomplete or damaged end is
 * excluded.
 */
function lengthUntil(file: Uint8Array, last: number): number {
  let length = 0
  try {
    for (const { data, to } of recordsOf(file)) {
      if (stepOf(data) > last) break
      length = to
    }
  } catch {
    // The process may have been killed while it was writing.
  }
  return length
}
