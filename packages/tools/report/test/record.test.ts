import { expect, test } from 'vitest'
import { comparisonPage, parseRun, reportPage } from '../src/index.ts'
import { shownMistakes } from '../src/record.ts'
import { summaryOf } from '../src/summary.ts'
import { decodeTensors, encodeTensors } from '../src/tensor-file.ts'
import { files, records } from './example.ts'

test('tensors are what they were, and stand where other readers of safetensors look', () => {
  const bytes = encodeTensors(
    {
      a: { shape: [2, 2], values: Float32Array.of(1, -2, 3.5, 0) },
      b: { shape: [3], values: Uint8Array.of(1, 2, 255) },
      c: { shape: [0], values: new Int32Array() },
    },
    { step: '7', ä: '→' },
  )
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  expect((8 + length) % 8).toBe(0)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as object
  expect(header).toMatchObject({ b: { dtype: 'U8', shape: [3], data_offsets: [16, 19] } })
  expect(new DataView(bytes.buffer).getFloat32(8 + length + 8, true)).toBe(3.5)

  const { tensors, metadata } = decodeTensors(bytes)
  expect(metadata).toEqual({ step: '7', ä: '→' })
  expect(tensors['a']).toEqual({ shape: [2, 2], values: Float32Array.of(1, -2, 3.5, 0) })
  expect(tensors['b']!.values).toEqual(Uint8Array.of(1, 2, 255))
  expect(tensors['c']!.values).toHaveLength(0)
  expect(() => decodeTensors(bytes.subarray(0, bytes.length - 1))).toThrow('values, expected')
  expect(() => decodeTensors(bytes.subarray(0, 12))).toThrow('the file is cut')
})

test('a run that went well is read whole', () => {
  const { state, steps, epochs, test: tested, batch, damage } = records.finished
  expect(state).toBe('finished')
  expect(damage).toEqual([])
  expect([steps.length, epochs.length]).toEqual([6, 3])
  expect(tested!.labels).toHaveLength(200)
  expect(batch!.images).toHaveLength(5)
  expect(batch!.images[0]).toMatchObject({
    label: 'bird',
    drawn: ['flip', '0.70 bird', '0.30 cat'],
  })
  const { worst, surest } = shownMistakes(tested!)
  for (const { index } of [...worst, ...surest])
    expect(tested!.pictures.get(index)).toMatchObject({ height: 6, width: 8, channels: 3 })
  expect(worst.length).toBeGreaterThan(4)
  expect(new Set(surest.map(({ label }) => label)).size).toBe(surest.length)
})

test.each([
  ['failed', ['The last line of metrics.jsonl is cut, and left out.']],
  ['nothing', ['There is no run.json, so what the run is made of is not known.']],
  [
    'damaged',
    [
      /^run\.json can't be read: /,
      'Line 1 of metrics.jsonl is damaged, and left out.',
      /^test\.safetensors can't be read: the file is cut/,
      /^batch\.safetensors can't be read: /,
    ],
  ],
] as const)('of a run that is %s it is told what is missing', (name, expected) => {
  const { damage } = records[name]
  expect(damage).toHaveLength(expected.length)
  expected.forEach((what, i) => expect(damage[i]).toMatch(what))
})

test('a run in a few figures', () => {
  expect(summaryOf(records.finished)).toMatchObject({
    state: { word: 'finished', kind: 'good' },
    test: { accuracy: 0.805, loss: 0.7, images: 200 },
    best: { epoch: 2, validation: { accuracy: 0.75 } },
    steps: 120,
    allSteps: 120,
    seconds: 13.5,
    imagesPerSecond: 970,
    memory: 512e6,
  })
  expect(summaryOf(records.running)).toMatchObject({
    state: { kind: 'going' },
    steps: 60,
    allSteps: 120,
  })
  expect(summaryOf(records.killed).state).toEqual({ word: 'ended without a word', kind: 'bad' })
  expect(summaryOf(records.nothing)).toEqual({
    state: { word: 'in an unknown state', kind: 'odd' },
    steps: 0,
  })
  const early = parseRun(files('early', { state: 'no better for 10 epochs' }))
  expect(summaryOf(early).state.word).toBe('stopped early: no better for 10 epochs')
})

test('of equal validation accuracies the first is the best', () => {
  const { epochs } = records.finished
  const [first] = epochs
  const twice = { ...records.finished, epochs: [first!, { ...first!, epoch: 1 }] }
  expect(summaryOf(twice).best!.epoch).toBe(0)
})

test('the page is the same each time, and but for the clock for each run of the kind', () => {
  expect(reportPage(records.finished)).toBe(reportPage(parseRun(files('finished'))))
  const five = Object.values(records).slice(0, 5)
  expect(comparisonPage(five)).toBe(comparisonPage(five))
  const withoutClock = (text: string): string => text.replaceAll(/,"wallClock":\{[^}]*\}/g, '')
  const { run, metrics, ...rest } = files('finished')
  const slow = files('finished', { wallClock: { seconds: 999, began: 'later', peakMemory: 1 } })
  const page = (given: typeof slow): string =>
    reportPage(
      parseRun({ ...rest, run: withoutClock(given.run), metrics: withoutClock(given.metrics) }),
    )
  expect(page(slow)).toBe(page({ ...rest, run, metrics }))
})

test('runs are compared as far as they came, however long one was to go on', () => {
  const charts = (planned: object): string => {
    const other = parseRun(files('other', planned, { seed: 2 }))
    return /<section id="training">[^]*?<\/section>/.exec(
      comparisonPage([records.finished, other]),
    )![0]
  }
  expect(charts({ steps: 9000 })).toBe(charts({}))
})

test('a rate has its place in a comparison where no loss is a number', () => {
  const short = files('short')
  const brief = parseRun({ ...short, metrics: short.metrics.split('\n').slice(0, 3).join('\n') })
  const rates = (metrics: string): string => {
    const long = parseRun({ ...files('long'), metrics })
    return /<figure class="chart" id="rate">[^]*?<\/figure>/.exec(comparisonPage([long, brief]))![0]
  }
  const { metrics } = files('long')
  const steps = metrics.split('\n').filter((line) => line.includes('"kind":"step"'))
  const lost = steps.map((line) => line.replace(/"loss":[^,]+/, '"loss":null')).join('\n')
  expect(lost).toContain('"loss":null')
  expect(rates(lost)).toBe(rates(metrics))
})

test('one run is no comparison', () => {
  expect(() => comparisonPage([records.finished])).toThrow(
    'report: expected two or more runs to compare, got 1',
  )
})
