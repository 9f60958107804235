// Trains in a worker, so that the page stays responsive. The network stays here between requests.
import * as tf from '@tensorflow/tfjs-core'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import { createRandom } from '@tricks/core'
import { fitHead, setHead, splitHead } from '@tricks/features'
import { exportModel } from '@tricks/models'
import { predictedClasses } from '@tricks/run/record'
import catalogue from '../generated/catalogue.json'
import { entriesIn } from '../playground/catalogue.ts'
import { tricksOf } from '../playground/tricks.ts'
import { inWords, isLost, leaveDevice, startBackend, whileDevice } from './backends.ts'
import type { BackendName, Collected, Evaluation, Pictures, Report, Request } from './messages.ts'
import {
  deviation,
  emptyNetwork,
  extract,
  type Extracted,
  featuresOf,
  loadNetwork,
  logitsOf,
  mean,
  predict,
  size,
} from './network.ts'
import { tune } from './tune.ts'

/** The network after the last layer was fitted, and its data. */
interface Fitted {
  readonly model: LayersModel
  readonly classes: readonly string[]
  readonly fitted: Pictures
  readonly held: Pictures
  /** The test set, if the folders contain one. */
  readonly test?: Pictures
  /** The model's weights, which survive the loss of a GPU. */
  readonly weights: readonly tf.TypedArray[]
}

const report = (message: Report): void => postMessage(message)
const progress = (what: string, done: number, total: number): void =>
  report({ kind: 'progress', what, done, total })

let current: Fitted | undefined
let running = new AbortController()
/** Requests wait for each other, except for 'stop'. */
let last: Promise<void> = Promise.resolve()

onmessage = ({ data }: MessageEvent<Request>): void => {
  if (data.kind === 'stop') return running.abort()
  last = last.then(async () => {
    running = new AbortController()
    try {
      await onAnyDevice(data)
    } catch (error) {
      const aborted = running.signal.aborted
      const message = aborted ? 'Stopped.' : inWords(error as Error)
      report({ kind: 'failed', during: data.kind, message })
    }
  })
}

/** Handles a request; from its beginning on the processor if the browser takes the GPU away meanwhile. */
async function onAnyDevice(request: Request): Promise<void> {
  try {
    await whileDevice(handle(request))
  } catch (error) {
    if (!isLost(error as Error)) throw error
    report({ kind: 'backend', text: await leaveDevice() })
    report({
      kind: 'notice',
      text: 'The GPU stopped working, but no work is lost: this step starts again, on the processor.',
    })
    if (current) current = { ...current, model: emptyNetwork(current.classes.length) }
    if (current) setWeights(current)
    await handle(request.kind === 'fit' ? { ...request, backend: 'wasm' } : request)
  }
}

async function handle(request: Request): Promise<void> {
  if (request.kind === 'fit') return fit(request.data, request.backend)
  if (!current) throw new Error('Train first.')
  if (request.kind === 'tune') return fineTune(current, request)
  if (request.kind === 'predict') {
    const probabilities = await predict(current.model, request.picture)
    return report({ kind: 'predicted', id: request.id, probabilities })
  }
  if (request.kind === 'save') return save(current)
}

async function fit(
  { classes, train, test }: Collected,
  backend: BackendName | 'auto',
): Promise<void> {
  const began = performance.now()
  const text = await startBackend(backend)
  report({ kind: 'backend', text })
  current?.model.dispose()
  current = undefined
  const model = await loadNetwork(classes.length, import.meta.env['BASE_URL']!, progress)
  const total = train.files.length + (test?.files.length ?? 0)
  const seen = (before: number) => (done: number) =>
    progress(`Computing features at ${size} × ${size}`, before + done, total)
  const all = await extract(model, train, seen(0), running.signal)
  const tested = test && (await extract(model, test, seen(train.files.length), running.signal))
  const broken = [...all.broken, ...(tested?.broken ?? [])]
  if (broken.length > 0) report({ kind: 'broken', names: broken })
  const [fitted, held] = split(all, classes)
  progress('Fitting the last layer', 0, 1)
  const options = { classes: classes.length, smoothing: 0.1, signal: running.signal }
  const chosen = await fitHead({
    training: featuresOf(fitted),
    validation: featuresOf(held),
    ...options,
  })
  setHead(splitHead(model).head, chosen)
  current = {
    model,
    classes,
    fitted: fitted.pictures,
    held: held.pictures,
    ...(tested && { test: tested.pictures }),
    weights: await weightsOf(model),
  }
  const evaluation = await evaluated(model, tested ?? held, tested !== undefined)
  report({ kind: 'fitted', evaluation, seconds: (performance.now() - began) / 1000 })
}

/** Holds out a tenth of each class, at least one picture and at most half, for choosing the weight decay. */
function split(all: Extracted, classes: readonly string[]): [Extracted, Extracted] {
  const { files, labels } = all.pictures
  const order = createRandom(0).fork('page split').permutation(labels.length)
  const held = new Set<number>()
  classes.forEach((name, c) => {
    const own = [...order].filter((i) => labels[i] === c)
    if (own.length < 2)
      throw new Error(`The class ${name} has fewer than two pictures that can be read. Add more.`)
    own.slice(0, Math.max(1, Math.round(own.length / 10))).forEach((i) => held.add(i))
  })
  const { width } = all
  const part = (wanted: boolean): Extracted => {
    const rows = labels.flatMap((_, i) => (held.has(i) === wanted ? [i] : []))
    const values = new Float32Array(rows.length * width)
    rows.forEach((row, i) =>
      values.set(all.values.subarray(row * width, (row + 1) * width), i * width),
    )
    const pictures = {
      files: rows.map((row) => files[row]!),
      labels: rows.map((row) => labels[row]!),
    }
    return { width, values, pictures, broken: [] }
  }
  return [part(false), part(true)]
}

async function evaluated(
  model: LayersModel,
  { values, pictures: { files, labels } }: Pick<Extracted, 'values' | 'pictures'>,
  tested: boolean,
): Promise<Evaluation> {
  const logits = await logitsOf(model, values)
  const predicted = predictedClasses({ logits, labels })
  const right = labels.filter((label, i) => label === predicted[i]).length
  return {
    accuracy: right / labels.length,
    logits,
    labels: Int32Array.from(labels),
    files,
    tested,
  }
}

const weightsOf = (model: LayersModel): Promise<tf.TypedArray[]> =>
  Promise.all(model.getWeights().map((weight) => weight.data()))

/** Gives the model the weights that were kept. */
function setWeights({ model, weights }: Fitted): void {
  tf.tidy(() =>
    model.setWeights(model.getWeights().map(({ shape }, i) => tf.tensor(weights[i]!, shape))),
  )
}

async function fineTune(
  before: Fitted,
  { epochs, tricks }: Extract<Request, { kind: 'tune' }>,
): Promise<void> {
  const began = performance.now()
  const { model, classes, fitted, held, test } = before
  const { signal } = running
  const made = await tricksOf(tricks, entriesIn(catalogue))
  try {
    const first = await measured(model, held)
    const { stopped } = await tune({
      model,
      classes,
      fitted,
      held,
      epochs,
      tricks: made,
      signal,
      onProgress: progress,
      onEpoch: ({ epoch, training, validation }) =>
        report({
          kind: 'epoch',
          epoch,
          training: training.accuracy,
          validation: validation?.accuracy ?? Number.NaN,
        }),
    })
    running = new AbortController()
    const now = await measured(model, held)
    const worse = now.accuracy < first.accuracy
    if (worse) setWeights(before)
    else current = { ...before, weights: await weightsOf(model) }
    const evaluation = test || worse ? await measured(model, test ?? held, test !== undefined) : now
    report({
      kind: 'tuned',
      evaluation,
      seconds: (performance.now() - began) / 1000,
      stopped: stopped !== 'finished',
      restored: worse,
    })
  } catch (error) {
    if (!isLost(error as Error)) setWeights(before)
    throw error
  }
}

/** Evaluates the network as it is now. */
async function measured(
  model: LayersModel,
  pictures: Pictures,
  tested = false,
): Promise<Evaluation> {
  const seen = (done: number): void => progress('Evaluating', done, pictures.files.length)
  return evaluated(model, await extract(model, pictures, seen, running.signal), tested)
}

async function save({ model, classes }: Fitted): Promise<void> {
  const files = await exportModel(model, { mean, deviation, output: 'probabilities' })
  const named = { ...files, 'classes.json': JSON.stringify(classes) }
  report({
    kind: 'saved',
    files: Object.entries(named).map(([name, content]) => ({
      name,
      blob: new Blob([content as BlobPart]),
    })),
  })
}
