import * as v from 'valibot'
import { decodeTensors, encodeTensors, type FileTensor } from '../files/safetensors.ts'
import { parseJson } from '../files/json.ts'
import type { Picture, Sheet } from '../sheet.ts'
import {
  type EpochLine,
  firstIssue,
  lineSchema,
  type RunFacts,
  runSchema,
  type StepLine,
} from './schema.ts'
import { mistakes, type Mistake, type Predictions } from './statistics.ts'

/** An image of a training batch. */
export interface BatchImage {
  /** As it is in the data. */
  readonly original: Picture
  /** As the network saw it, but for the normalising. */
  readonly seen: Picture
  readonly label: string
  /** What was drawn for it, and the targets that came of it: a line each. */
  readonly drawn: readonly string[]
}

export interface BatchRecord {
  /** From 0. */
  readonly step: number
  readonly images: readonly BatchImage[]
}

/** What was said of the test images, with the pictures of the mistakes that are shown. */
export interface TestRecord extends Predictions {
  /** By the image's place in the test set. */
  readonly pictures: ReadonlyMap<number, Picture>
}

/** A run, as its folder tells it; what is not there is absent. */
export interface RunRecord {
  readonly name: string
  /** 'running', 'finished', 'aborted', 'failed', or a trick's reason to stop; 'unknown' without a run.json. */
  readonly state: string
  /** Whether a run that says 'running' has a process; absent where nobody looked. */
  readonly alive?: boolean
  /** `run.json`; only `state` if there is none, or if it is damaged. */
  readonly run: RunFacts
  readonly steps: readonly StepLine[]
  readonly epochs: readonly EpochLine[]
  readonly test?: TestRecord
  readonly batch?: BatchRecord
  /** What could not be read, and why: sentences. */
  readonly damage: readonly string[]
}

/** The files of a run's folder, as far as they are there. */
export interface RunFiles {
  readonly name: string
  readonly alive?: boolean
  /** `run.json` */
  readonly run?: string
  /** `metrics.jsonl` */
  readonly metrics?: string
  /** `test.safetensors`, by `encodeTest` */
  readonly test?: Uint8Array
  /** `batch.safetensors`, by `encodeBatch` */
  readonly batch?: Uint8Array
}

/**
 * Reads what there is. Nothing throws: a damaged file is reported in `damage`.
 *
 * @example
 * const { epochs } = parseRun({ name: 'mine', metrics: readFileSync('runs/1/metrics.jsonl', 'utf8') })
 */
export function parseRun({ name, alive, run, metrics, test, batch }: RunFiles): RunRecord {
  const damage: string[] = []
  const reading = <T>(file: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      damage.push(`${file} can't be read: ${(error as Error).message}`)
      return undefined
    }
  }
  const facts = run === undefined ? undefined : reading('run.json', () => parseFacts(run))
  if (run === undefined) damage.push('There is no run.json, so what the run is made of is unknown.')
  const lines = linesOf(metrics ?? '', damage)
  return {
    name,
    state: facts?.state ?? 'unknown',
    ...(alive !== undefined && { alive }),
    run: facts ?? { state: 'unknown' },
    steps: lines.filter((line) => line.kind === 'step'),
    epochs: lines.filter((line) => line.kind === 'epoch'),
    ...(test && { test: reading('test.safetensors', () => decodeTest(test)) }),
    ...(batch && { batch: reading('batch.safetensors', () => decodeBatch(batch)) }),
    damage,
  }
}

/**
 * run.json, checked.
 *
 * @throws Error that says what is wrong with it
 */
export function parseFacts(text: string): RunFacts {
  const found = v.safeParse(runSchema, parseJson(text))
  if (!found.success) throw new Error(firstIssue(found.issues))
  return found.output
}

function linesOf(text: string, damage: string[]): (StepLine | EpochLine)[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.flatMap((line, i) => {
    try {
      return [v.parse(lineSchema, parseJson(line)) as StepLine | EpochLine]
    } catch {
      damage.push(
        i === lines.length - 1
          ? 'The last line of metrics.jsonl is truncated, and left out.'
          : `Line ${i + 1} of metrics.jsonl is damaged, and left out.`,
      )
      return []
    }
  })
}

/** How many mistakes of each sort a page shows. */
const shown = 12

/** The mistakes that a page shows: the ones that cost most, and of each class the surest. */
export function shownMistakes(predictions: Predictions): { worst: Mistake[]; surest: Mistake[] } {
  const surest = new Map<number, Mistake>()
  for (const mistake of mistakes(predictions, 'confidence'))
    if (!surest.has(mistake.label)) surest.set(mistake.label, mistake)
  return {
    worst: mistakes(predictions).slice(0, shown),
    surest: [...surest.values()].slice(0, shown),
  }
}

interface PictureSet {
  readonly images: { subarray(from: number, to: number): Uint8Array | Uint8ClampedArray }
  readonly labels: ArrayLike<number>
  readonly height: number
  readonly width: number
  readonly channels: number
}

/**
 * What a run keeps of its test: logits, labels, and the pictures of the mistakes that its page shows.
 *
 * @param logits `[images, classes]`, row by row: `testLogits` of `train`'s result
 * @param set the test images
 * @returns a safetensors file: `logits`, `labels`, `pictures` [k, height, width, channels], `places` [k]
 * @example
 * writeFileSync('test.safetensors', encodeTest(Float32Array.of(2, 1), { ...testImages, labels: [0] }))
 */
export function encodeTest(logits: Float32Array, set: PictureSet): Uint8Array {
  const labels = Int32Array.from(set.labels)
  const { worst, surest } = shownMistakes({ logits, labels })
  const places = [...new Set([...worst, ...surest].map(({ index }) => index))].toSorted(
    (a, b) => a - b,
  )
  const { height, width, channels } = set
  const size = height * width * channels
  const pictures = new Uint8Array(places.length * size)
  places.forEach((place, i) =>
    pictures.set(set.images.subarray(place * size, (place + 1) * size), i * size),
  )
  return encodeTensors({
    logits: { shape: [labels.length, logits.length / labels.length], values: logits },
    labels: { shape: [labels.length], values: labels },
    pictures: { shape: [places.length, height, width, channels], values: pictures },
    places: { shape: [places.length], values: Int32Array.from(places) },
  })
}

function decodeTest(bytes: Uint8Array): TestRecord {
  const { tensors } = decodeTensors(bytes)
  const pictures = picturesOf(tensors, 'pictures')
  const places = valuesOf(tensors, 'places')
  return {
    logits: valuesOf(tensors, 'logits') as Float32Array,
    labels: valuesOf(tensors, 'labels') as Int32Array,
    pictures: new Map(pictures.map((picture, i) => [places[i]!, picture])),
  }
}

/**
 * What a run keeps of the batch that the network saw in a step.
 *
 * @param sheet of `stepSheet`, its rows the original and the result
 * @param step from 0
 * @returns a safetensors file: `original` and `seen` [images, height, width, channels]; step and words in its metadata
 * @example
 * const data = openData({ train: trainingImages, validation: 5000, batchSize: 128, epochs: 30, seed })
 * const sheet = await stepSheet({ tricks, seed, data, step: 0, classes, rows: 'result' })
 * writeFileSync('batch.safetensors', encodeBatch(sheet, 0))
 */
export function encodeBatch({ rows }: Sheet, step: number): Uint8Array {
  const [original, seen] = [rows[0]!.tiles, rows.at(-1)!.tiles]
  const tensor = (tiles: Sheet['rows'][number]['tiles']): FileTensor => {
    const pictures = tiles.map(({ pictures: [picture] }) => picture!)
    const { height, width, channels } = pictures[0]!
    const values = new Uint8Array(pictures.length * height * width * channels)
    pictures.forEach(({ pixels }, i) => values.set(pixels, i * pixels.length))
    return { shape: [pictures.length, height, width, channels], values }
  }
  const words = original.map(({ captions }, i) => ({
    label: captions.join(' '),
    drawn: seen[i]!.captions,
  }))
  return encodeTensors(
    { original: tensor(original), seen: tensor(seen) },
    { step: String(step), images: JSON.stringify(words) },
  )
}

function decodeBatch(bytes: Uint8Array): BatchRecord {
  const { tensors, metadata } = decodeTensors(bytes)
  const [original, seen] = [picturesOf(tensors, 'original'), picturesOf(tensors, 'seen')]
  const words = parseJson(String(metadata['images'] ?? '[]')) as {
    label: string
    drawn: string[]
  }[]
  return {
    step: Number(metadata['step'] ?? 0),
    images: words.map((each, i) => ({ ...each, original: original[i]!, seen: seen[i]! })),
  }
}

function valuesOf(tensors: Record<string, FileTensor>, name: string): FileTensor['values'] {
  const tensor = tensors[name]
  if (!tensor) throw new Error(`it lacks ${name}`)
  return tensor.values
}

function picturesOf(tensors: Record<string, FileTensor>, name: string): Picture[] {
  const values = valuesOf(tensors, name) as Uint8Array
  const [count, height, width, channels] = tensors[name]!.shape as [number, number, number, number]
  const size = height * width * channels
  return Array.from({ length: count }, (_, i) => ({
    pixels: values.subarray(i * size, (i + 1) * size),
    height,
    width,
    channels,
  }))
}
