import { type Content, encodeEvent, histogramOf, stepOf } from './event.ts'
import { frame, recordsOf } from './record.ts'

/** Writes what TensorBoard shows. Each call is in the file when it returns. */
export interface TensorBoard {
  /** Numbers over steps, by tag, such as `training/loss`. */
  scalars(step: number, values: Readonly<Record<string, number>>): void
  image(step: number, tag: string, png: Uint8Array): void
  /** How values are spread, such as a layer's weights; what is no finite number is left out. */
  histogram(step: number, tag: string, values: ArrayLike<number>): void
  text(step: number, tag: string, markdown: string): void
  /** What tells this run from others, for the table of hyperparameters. */
  hyperparameters(values: Readonly<Record<string, string | number | boolean>>): void
  close(): void
}

const fileName = /^events\.out\.tfevents\.(\d+)\.tricks$/

/**
 * Event files in a folder, which `tensorboard --logdir` reads. In Node.
 *
 * A run that goes on says after how many steps: what was written of later ones is taken back, so that none is there
 * twice. Each opening begins a file, and tells a TensorBoard that looks on to forget as well.
 *
 * @param options.after steps done; default 0, which begins afresh
 * @throws Error where the folder can't be written
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

  // Files are read in the order of their names, whatever the clock says.
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

/** How much of a file is of those steps; events are written in their order. A half or damaged end doesn't count. */
function lengthUntil(file: Uint8Array, last: number): number {
  let length = 0
  try {
    for (const { data, to } of recordsOf(file)) {
      if (stepOf(data) > last) break
      length = to
    }
  } catch {
    // What ended the run may have ended the file in the midst of a write.
  }
  return length
}
