// The network: loads its weights, and computes features, logits and predictions.
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { type Features, splitHead } from '@tricks/features'
import { createModel, foldBatchNorm, pretrainedInputs } from '@tricks/models'
import { loadBytes } from '@tricks/pretrained/bytes'
import { decode } from '../decode.ts'
import type { Pictures } from './messages.ts'

const name = 'efficientnet-lite0'
export const { mean, deviation, size } = pretrainedInputs[name]
/** Pictures that pass through the network at once. */
const batchSize = 16

type Progress = (what: string, done: number, total: number) => void

/** Loads the network pretrained on ImageNet, with a new last layer. */
export async function loadNetwork(
  classes: number,
  base: string,
  progress: Progress,
): Promise<LayersModel> {
  const bytes = await download(`${base}weights/${name}.pth`, progress)
  return created(classes, (model) => loadBytes(model, bytes))
}

/** The network for weights that are set later. */
export const emptyNetwork = (classes: number): LayersModel => created(classes, () => {})

function created(classes: number, load: (model: LayersModel) => void): LayersModel {
  const model = createModel(name, { inputShape: [size, size, 3], classes, weights: 'zeros' })
  try {
    load(model)
    return foldBatchNorm(model)
  } finally {
    model.dispose()
  }
}

async function download(url: string, progress: Progress): Promise<Uint8Array> {
  const response = await fetch(url)
  // Some hosts answer with an HTML page if the file doesn't exist.
  if (!response.ok || response.headers.get('content-type')?.startsWith('text/html'))
    throw new Error(
      `The network’s weights can’t be loaded (${response.status}). If you host this site yourself, ` +
        'it was built without them: build it again with access to the Python package index.',
    )
  const total = Number(response.headers.get('content-length') ?? 0)
  const parts: Uint8Array[] = []
  let done = 0
  const reader = response.body!.getReader()
  for (;;) {
    const { done: ended, value } = await reader.read()
    if (ended) break
    parts.push(value)
    done += value.length
    progress('Loading the network', done, Math.max(total, done))
  }
  const bytes = new Uint8Array(done)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** The features of pictures that could be read. */
export interface Extracted {
  /** Number of features per picture. */
  readonly width: number
  /** `[pictures, width]`, row by row. */
  readonly values: Float32Array
  readonly pictures: Pictures
  /** Names of files that can't be read as pictures. */
  readonly broken: readonly string[]
}

/**
 * Computes the features of pictures batch by batch. The next batch is decoded meanwhile; no decoded picture is kept.
 *
 * @throws the signal's reason if it is aborted
 */
export async function extract(
  model: LayersModel,
  { files, labels }: Pictures,
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<Extracted> {
  const { features: network, head } = splitHead(model)
  const [width] = head.getWeights()[0]!.shape as [number]
  const values = new Float32Array(files.length * width)
  const kept: File[] = []
  const keptLabels: number[] = []
  const broken: string[] = []
  const read = (from: number): Promise<(Uint8Array | null)[]> =>
    Promise.all(
      files.slice(from, from + batchSize).map((file) => decode(file, size).catch(() => null)),
    )
  let next = read(0)
  for (let from = 0; from < files.length; from += batchSize) {
    signal.throwIfAborted()
    const decoded = await next
    next = read(from + batchSize)
    const whole = decoded.flatMap((pixels, i) => (pixels ? [{ pixels, index: from + i }] : []))
    decoded.forEach((pixels, i) => pixels ?? broken.push(files[from + i]!.name))
    if (whole.length > 0) {
      const output = tf.tidy(
        () => network.apply(normalized(whole.map(({ pixels }) => pixels))) as tf.Tensor2D,
      )
      values.set(await output.data(), kept.length * width)
      output.dispose()
    }
    for (const { index } of whole) {
      kept.push(files[index]!)
      keptLabels.push(labels[index]!)
    }
    progress(Math.min(files.length, from + batchSize))
  }
  return {
    width,
    values: values.subarray(0, kept.length * width),
    pictures: { files: kept, labels: keptLabels },
    broken,
  }
}

/** The features in the form that `fitHead` takes. */
export const featuresOf = ({ width, values, pictures }: Extracted): Features => ({
  width,
  blocks: [{ labels: Int32Array.from(pictures.labels), read: () => values }],
})

/** Converts squares of RGB bytes to the network's input. */
function normalized(squares: readonly Uint8Array[]): tf.Tensor4D {
  const bytes = size * size * 3
  const pixels = new Float32Array(squares.length * bytes)
  squares.forEach((square, i) => {
    for (let j = 0; j < bytes; j++)
      pixels[i * bytes + j] = (square[j]! / 255 - mean[j % 3]!) / deviation[j % 3]!
  })
  return tf.tensor4d(pixels, [squares.length, size, size, 3])
}

/** The last layer's logits for features, `[pictures, classes]`. */
export async function logitsOf(model: LayersModel, values: Float32Array): Promise<Float32Array> {
  const { head } = splitHead(model)
  const logits = tf.tidy(() => {
    const [width] = head.getWeights()[0]!.shape as [number]
    return head.apply(tf.tensor2d(values, [values.length / width, width])) as tf.Tensor2D
  })
  try {
    return (await logits.data()) as Float32Array
  } finally {
    logits.dispose()
  }
}

/** Class probabilities of one picture. */
export async function predict(model: LayersModel, picture: Blob): Promise<number[]> {
  const pixels = await decode(picture, size)
  const probabilities = tf.tidy(() => tf.softmax(model.apply(normalized([pixels])) as tf.Tensor2D))
  try {
    return [...(await probabilities.data())]
  } finally {
    probabilities.dispose()
  }
}
