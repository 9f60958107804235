import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { PbfReader } from 'pbf'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stepOf } from '../src/tensorboard/event.ts'
import { recordsOf } from '../src/tensorboard/record.ts'
import { openTensorBoard, type TensorBoard } from '../src/tensorboard/files.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tensorboard-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const files = (): string[] => readdirSync(folder).toSorted()
/** Steps of the summaries, in reading order. */
const steps = (): number[] =>
  files().flatMap((name) =>
    [...recordsOf(readFileSync(join(folder, name)))]
      .filter(({ data }) => hasSummary(data))
      .map(({ data }) => stepOf(data)),
  )
const hasSummary = (event: Uint8Array): boolean =>
  new PbfReader(event).readFields((tag, found) => void (found.summary ||= tag === 5), {
    summary: false,
  }).summary

function record(board: TensorBoard, from: number, to: number): void {
  for (let step = from; step <= to; step += 10)
    board.scalars(step, { 'training/loss': 100 / step, 'training/accuracy': step / 100 })
}

test('each call writes immediately', async () => {
  const board = await openTensorBoard(folder)
  record(board, 10, 10)
  expect(steps()).toEqual([10, 10])
  record(board, 20, 20)
  expect(steps()).toEqual([10, 10, 20, 20])
  board.close()
})

test('a resumed run has no duplicate steps, and no removed ones', async () => {
  const first = await openTensorBoard(folder)
  record(first, 10, 50)
  first.close()
  // The last event was truncated when the process was killed.
  appendFileSync(join(folder, files()[0]!), Uint8Array.of(52, 0, 0, 0, 0, 0, 0, 0, 1))

  const second = await openTensorBoard(folder, { after: 30 })
  record(second, 40, 60)
  second.close()
  expect(steps().filter((_, i) => i % 2)).toEqual([10, 20, 30, 40, 50, 60])
  expect(files()).toHaveLength(2)

  const third = await openTensorBoard(folder, { after: 20 })
  record(third, 30, 30)
  third.close()
  expect(steps().filter((_, i) => i % 2)).toEqual([10, 20, 30])

  const fresh = await openTensorBoard(folder)
  record(fresh, 10, 10)
  fresh.close()
  expect(steps()).toEqual([10, 10])
  expect(files()).toHaveLength(1)
})

test('removes a damaged end', async () => {
  const first = await openTensorBoard(folder)
  record(first, 10, 20)
  first.close()
  appendFileSync(join(folder, files()[0]!), new Uint8Array(100).fill(7))
  const second = await openTensorBoard(folder, { after: 20 })
  record(second, 30, 30)
  second.close()
  expect(steps().filter((_, i) => i % 2)).toEqual([10, 20, 30])
})

test('keeps other files in the folder', async () => {
  appendFileSync(join(folder, 'notes.txt'), 'mine')
  ;(await openTensorBoard(folder)).close()
  expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine')
})

const python = process.env['TENSORBOARD_PYTHON'] ?? 'python3'
function lacking(): string | undefined {
  try {
    execFileSync(python, ['-c', 'import tensorboard'], { stdio: 'ignore' })
    return undefined
  } catch {
    return `no tensorboard: ${python} can't import it (set TENSORBOARD_PYTHON to one that can)`
  }
}

const reader = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
events = EventAccumulator(sys.argv[1], size_guidance={key: 0 for key in ('scalars', 'images', 'histograms', 'tensors')})
events.Reload()
tags = events.Tags()
started = plugin_data_pb2.HParamsPluginData.FromString(
    events.SummaryMetadata('_hparams_/session_start_info').plugin_data.content).session_start_info
print(json.dumps({
    'scalars': {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags['scalars']},
    'images': {tag: [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in events.Images(tag)] for tag in tags['images']},
    'histograms': {tag: [[e.step, e.histogram_value.num, list(e.histogram_value.bucket)] for e in events.Histograms(tag)] for tag in tags['histograms']},
    'text': [value.decode() for value in events.Tensors('configuration')[0].tensor_proto.string_val],
    'plugin': events.SummaryMetadata('configuration').plugin_data.plugin_name,
    'hyperparameters': {name: getattr(value, value.WhichOneof('kind')) for name, value in started.hparams.items()},
}))
`

test("TensorBoard's own reader reads everything, and each step of a resumed run once", async (context) => {
  const reason = lacking()
  if (reason !== undefined) context.skip(reason)
  const png = encode({ width: 6, height: 4, channels: 3, data: new Uint8Array(72) })
  const first = await openTensorBoard(folder)
  first.text(0, 'configuration', '# Ω\n| a | b |')
  first.hyperparameters({ recipe: 'quick', seed: 3, mixing: true })
  first.image(0, 'batch', png)
  record(first, 10, 50)
  first.histogram(30, 'weights/conv', [0, 1, 2, 3, 4])
  first.close()
  const second = await openTensorBoard(folder, { after: 20 })
  record(second, 30, 40)
  second.image(40, 'batch', png)
  second.histogram(40, 'weights/conv', Float32Array.of(1, 1, 2, Number.NaN))
  second.close()

  const found = JSON.parse(
    execFileSync(python, ['-c', reader, folder], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as Record<string, unknown>
  expect(found).toEqual({
    scalars: {
      'training/loss': [10, 20, 30, 40].map((step) => [step, Math.fround(100 / step)]),
      'training/accuracy': [10, 20, 30, 40].map((step) => [step, Math.fround(step / 100)]),
    },
    images: {
      batch: [
        [0, 6, 4, png.length],
        [40, 6, 4, png.length],
      ],
    },
    histograms: {
      'weights/conv': [[40, 3, [2, ...Array.from({ length: 28 }, () => 0), 1]]],
    },
    text: ['# Ω\n| a | b |'],
    plugin: 'text',
    hyperparameters: { recipe: 'quick', seed: 3, mixing: true },
  })
})
