// TensorFlow's Event messages, limited to the fields that TensorBoard reads.
import { PbfReader, PbfWriter } from 'pbf'

export interface Event {
  /** Seconds since 1970. */
  readonly wallTime: number
  /** Steps done. */
  readonly step: number
  readonly content: Content
}

export type Content =
  | { readonly kind: 'version' }
  /** Tells readers to discard events of this step and later ones. */
  | { readonly kind: 'start' }
  | { readonly kind: 'scalar'; readonly tag: string; readonly value: number }
  | { readonly kind: 'image'; readonly tag: string; readonly png: Uint8Array }
  | { readonly kind: 'histogram'; readonly tag: string; readonly histogram: Histogram }
  | { readonly kind: 'text'; readonly tag: string; readonly markdown: string }
  | {
      readonly kind: 'hyperparameters'
      readonly values: Readonly<Record<string, string | number | boolean>>
    }

export interface Histogram {
  readonly min: number
  readonly max: number
  readonly count: number
  readonly sum: number
  readonly sumOfSquares: number
  /** The upper bounds of the buckets, ascending. */
  readonly limits: readonly number[]
  readonly counts: readonly number[]
}

/** Counts values in buckets of equal width; non-finite values are skipped. */
export function histogramOf(values: ArrayLike<number>, buckets = 30): Histogram {
  let [min, max, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isFinite(value)) continue
    min = Math.min(min, value)
    max = Math.max(max, value)
    count++
    sum += value
    sumOfSquares += value * value
  }
  if (count === 0) return { min: 0, max: 0, count, sum, sumOfSquares, limits: [0], counts: [0] }
  if (min === max) return { min, max, count, sum, sumOfSquares, limits: [max], counts: [count] }
  const counts = Array.from({ length: buckets }, () => 0)
  for (let i = 0; i < values.length; i++)
    if (Number.isFinite(values[i]!)) {
      const bin = Math.floor(((values[i]! - min) / (max - min)) * buckets)
      counts[Math.min(buckets - 1, bin)]!++
    }
  const limits = counts.map((_, i) =>
    i === buckets - 1 ? max : min + ((max - min) * (i + 1)) / buckets,
  )
  return { min, max, count, sum, sumOfSquares, limits, counts }
}

const field = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const
const type = { float: 1, string: 7 } as const
const sessionStart = 1
const colorSpaces = [undefined, 1, 2, 3, 4]

export function encodeEvent({ wallTime, step, content }: Event): Uint8Array {
  const event = new PbfWriter()
  event.writeDoubleField(field.wallTime, wallTime)
  event.writeVarintField(field.step, step)
  if (content.kind === 'version') event.writeStringField(field.fileVersion, 'brain.Event:2')
  else if (content.kind === 'start')
    event.writeMessage(field.sessionLog, (_, log) => log.writeVarintField(1, sessionStart), null)
  else
    // A summary with one value.
    event.writeMessage(
      field.summary,
      (_, summary) => summary.writeMessage(1, summaryValue, content),
      null,
    )
  return event.finish()
}

type Value = Exclude<Content, { kind: 'version' | 'start' }>

function summaryValue(content: Value, to: PbfWriter): void {
  to.writeStringField(1, 'tag' in content ? content.tag : '_hparams_/session_start_info')
  switch (content.kind) {
    case 'scalar':
      return to.writeFloatField(2, content.value)
    case 'image':
      return to.writeMessage(4, image, content.png)
    case 'histogram':
      return to.writeMessage(5, histogram, content.histogram)
    case 'text':
      to.writeMessage(8, textTensor, content.markdown)
      return to.writeMessage(9, plugin, { name: 'text' })
    case 'hyperparameters':
      // The plugin requires a tensor, whatever its value.
      to.writeMessage(8, (_, tensor) => tensor.writeVarintField(1, type.float), null)
      return to.writeMessage(9, plugin, { name: 'hparams', content: session(content.values) })
  }
}

/** A PNG's header contains its size and colour type. */
function image(png: Uint8Array, to: PbfWriter): void {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  const channels = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 }[png[25]!]
  to.writeVarintField(1, view.getUint32(20))
  to.writeVarintField(2, view.getUint32(16))
  to.writeVarintField(3, colorSpaces[channels ?? 3]!)
  to.writeBytesField(4, png)
}

function histogram(own: Histogram, to: PbfWriter): void {
  to.writeDoubleField(1, own.min)
  to.writeDoubleField(2, own.max)
  to.writeDoubleField(3, own.count)
  to.writeDoubleField(4, own.sum)
  to.writeDoubleField(5, own.sumOfSquares)
  to.writePackedDouble(6, [...own.limits])
  to.writePackedDouble(7, [...own.counts])
}

/** A single string, without a shape: TensorBoard would render several as a table. */
function textTensor(text: string, to: PbfWriter): void {
  to.writeVarintField(1, type.string)
  to.writeBytesField(8, new TextEncoder().encode(text))
}

function plugin(
  { name, content }: { readonly name: string; readonly content?: Uint8Array },
  to: PbfWriter,
): void {
  to.writeMessage(
    1,
    (_, data) => {
      data.writeStringField(1, name)
      if (content) data.writeBytesField(2, content)
    },
    null,
  )
}

/** HParamsPluginData with a SessionStartInfo: the hyperparameters of a run. */
function session(values: Readonly<Record<string, string | number | boolean>>): Uint8Array {
  const data = new PbfWriter()
  data.writeMessage(
    3,
    (_, start) => {
      for (const entry of Object.entries(values)) start.writeMessage(1, hyperparameter, entry)
    },
    null,
  )
  return data.finish()
}

function hyperparameter(
  [name, own]: readonly [string, string | number | boolean],
  to: PbfWriter,
): void {
  to.writeStringField(1, name)
  to.writeMessage(
    2,
    (_, wrapped) => {
      if (typeof own === 'number') wrapped.writeDoubleField(2, own)
      else if (typeof own === 'string') wrapped.writeStringField(3, own)
      else wrapped.writeBooleanField(4, own)
    },
    null,
  )
}

/** Reads the step of an encoded event. */
export function stepOf(event: Uint8Array): number {
  return new PbfReader(event).readFields(
    (tag, found, reader) => {
      if (tag === field.step) found.step = reader.readVarint(true)
    },
    { step: 0 },
  ).step
}
