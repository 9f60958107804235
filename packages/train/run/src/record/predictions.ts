import { decodeTensors, encodeTensors } from '@tricks/safetensors'
import { type Picture, picturesOf, valuesOf } from './pictures.ts'
import { mistakes, type Mistake, type Predictions } from './statistics.ts'

/** Predictions for a set of images, with the pictures of the mistakes that a page shows. */
export interface PredictionRecord extends Predictions {
  /** By the image's index in the set. */
  readonly pictures: ReadonlyMap<number, Picture>
}

/** Number of mistakes of each kind that a page shows. */
const shown = 12

/**
 * Selects the mistakes that a page shows: those with the highest loss, and the most confident one per class.
 *
 * @example
 * const { worst, mostConfident } = shownMistakes({ logits: new Float32Array([3, 1, 0, 2]), labels: [1, 1] })
 */
export function shownMistakes(predictions: Predictions): {
  worst: Mistake[]
  mostConfident: Mistake[]
} {
  const mostConfident = new Map<number, Mistake>()
  for (const mistake of mistakes(predictions, 'confidence'))
    if (!mostConfident.has(mistake.label)) mostConfident.set(mistake.label, mistake)
  return {
    worst: mistakes(predictions).slice(0, shown),
    mostConfident: [...mostConfident.values()].slice(0, shown),
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
 * Encodes an evaluation: logits, labels, and the pictures of the mistakes that the page shows.
 *
 * @param logits `[images, classes]`, row by row: `testLogits` or `validationLogits` from `train`'s result
 * @param set the images that were evaluated
 * @returns a safetensors file: `logits`, `labels`, `pictures` [k, height, width, channels], and `indices` [k], the
 *   pictures' indices in the set
 * @example
 * const file = encodePredictions(Float32Array.of(2, 1), { ...testImages, labels: [0] })
 * writeFileSync('test.safetensors', file)
 */
export function encodePredictions(logits: Float32Array, set: PictureSet): Uint8Array {
  const labels = Int32Array.from(set.labels)
  const { worst, mostConfident } = shownMistakes({ logits, labels })
  const chosen = new Set([...worst, ...mostConfident].map(({ index }) => index))
  const indices = Int32Array.from([...chosen].toSorted((a, b) => a - b))
  const { height, width, channels } = set
  const size = height * width * channels
  const pictures = new Uint8Array(indices.length * size)
  indices.forEach((index, i) =>
    pictures.set(set.images.subarray(index * size, (index + 1) * size), i * size),
  )
  return encodeTensors({
    logits: { shape: [labels.length, logits.length / labels.length], values: logits },
    labels: { shape: [labels.length], values: labels },
    pictures: { shape: [indices.length, height, width, channels], values: pictures },
    indices: { shape: [indices.length], values: indices },
  })
}

/** Decodes a file of `encodePredictions`. @throws Error saying what is wrong with the file, which is untrusted */
export function decodePredictions(bytes: Uint8Array): PredictionRecord {
  const { tensors } = decodeTensors(bytes)
  const logits = valuesOf(tensors, 'logits', Float32Array)
  const labels = valuesOf(tensors, 'labels', Int32Array)
  const [images, classes = 0] = tensors['logits']!.shape
  if (labels.length === 0 || labels.length !== images || labels.length * classes !== logits.length)
    throw new Error(`it has ${logits.length} logits for ${labels.length} labels`)
  const wrong = labels.find((label) => !(label >= 0 && label < classes))
  if (wrong !== undefined) throw new Error(`expected labels in [0, ${classes}), got ${wrong}`)
  const pictures = picturesOf(tensors, 'pictures')
  const indices = valuesOf(tensors, 'indices', Int32Array)
  if (pictures.length !== indices.length)
    throw new Error(`it has ${pictures.length} pictures and ${indices.length} indices`)
  return {
    logits,
    labels,
    pictures: new Map(pictures.map((picture, i) => [indices[i]!, picture])),
  }
}
