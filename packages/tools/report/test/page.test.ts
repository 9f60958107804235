import { parseRun, predictedClasses } from '@tricks/run/record'
import { expect, test } from 'vitest'
import { comparisonPage, reportPage, trialsPage } from '../src/index.ts'
import { factsOf } from '../src/page/facts.ts'
import { wilsonInterval } from '../src/page/interval.ts'
import { summaryOf } from '../src/page/summary.ts'
import { files, records } from './example.ts'

test('summarises a run', () => {
  expect(summaryOf(records.finished)).toMatchObject({
    state: { word: 'finished', kind: 'good' },
    result: { set: 'test', accuracy: 0.805, loss: 0.7, images: 200 },
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
  expect(summaryOf(records.killed).state).toEqual({ word: 'exited unexpectedly', kind: 'bad' })
  expect(summaryOf(records.nothing)).toEqual({
    state: { word: 'state unknown', kind: 'odd' },
    steps: 0,
  })
  const early = parseRun(files('early', { state: 'no better for 10 epochs' }))
  expect(summaryOf(early).state.word).toBe('stopped early: no better for 10 epochs')
})

test('without test images the result comes from the validation predictions', () => {
  const { result, calibrationError } = summaryOf(records.untested)
  const { validation } = records.untested
  const right = predictedClasses(validation!).filter((each, i) => each === validation!.labels[i])
  expect(result).toMatchObject({ set: 'validation', accuracy: right.length / 20, images: 20 })
  expect(calibrationError).toBeGreaterThan(0)
  // Two classes: −log softmax of (1, 0) and of (0, 3) at their labels.
  const logits = Float32Array.of(1, 0, 0, 3)
  const losses = [Math.log(1 + Math.exp(-1)), Math.log(1 + Math.exp(-3))]
  const two = { logits, labels: [0, 1], pictures: new Map() }
  const record = { ...records.untested, validation: two }
  expect(summaryOf(record).result!.loss).toBeCloseTo((losses[0]! + losses[1]!) / 2, 6)
})

test.each([
  [0.6, 240, 0.537, 0.66],
  [0.5, 18, 0.29, 0.71],
  [1, 10, 0.722, 1],
  [0, 10, 0, 0.278],
  [0.7586, 10_000, 0.7501, 0.7669],
])('accuracy %d on %d images: the interval is %d to %d', (share, count, low, high) => {
  const [from, to] = wilsonInterval(share, count)
  expect(from).toBeCloseTo(low, 3)
  expect(to).toBeCloseTo(high, 3)
})

test('the first of equal validation accuracies is the best', () => {
  const { epochs } = records.finished
  const [first] = epochs
  const twice = { ...records.finished, epochs: [first!, { ...first!, epoch: 1 }] }
  expect(summaryOf(twice).best!.epoch).toBe(0)
})

test.each([
  [{ validation: 0, data: { trainingImages: 120, testImages: 0 } }, 'none'],
  [{ validation: 12, data: { trainingImages: 120, testImages: 0 } }, '12 of the training images'],
  [
    { validation: 30, data: { trainingImages: 120, validationImages: 30, testImages: 9 } },
    '30, a separate set',
  ],
])('%o: the validation images are %s', (facts, expected) => {
  const record = parseRun(files('mine', facts))
  expect(Object.fromEntries(factsOf(record).Data)['Validation images']).toBe(expected)
})

test.each([
  ['finished', { testImages: 0 }, 0, 'none were held out for validation'],
  ['finished', { testImages: 9 }, 12, 'No predictions were recorded'],
  ['aborted', { testImages: 9 }, 12, 'Predictions are recorded at the end of a run'],
  ['failed', { testImages: 0 }, 12, 'Predictions are recorded at the end of a run'],
])('a %s run without predictions, with %o: explains why', (state, data, validation, expected) => {
  const given = { state, data, validation, test: undefined }
  const page = reportPage(parseRun({ ...files('mine', given), test: undefined }))
  expect(page.split(expected)).toHaveLength(4)
})

test('the page is deterministic, and for identical runs differs only in times', () => {
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

test('runs are compared up to their last step, whatever their planned length', () => {
  const charts = (planned: object): string => {
    const other = parseRun(files('other', planned, { seed: 2 }))
    return /<section id="training">[^]*?<\/section>/.exec(
      comparisonPage([records.finished, other]),
    )![0]
  }
  expect(charts({ steps: 9000 })).toBe(charts({}))
})

test('a comparison shows rates even if all losses are NaN', () => {
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

test('rejects a comparison of one run', () => {
  expect(() => comparisonPage([records.finished])).toThrow(
    'report: expected two or more runs to compare, got 1',
  )
})

test('the page of an experiment shows its trials, those trained longest first, and the best of them', () => {
  const trial = { seed: 1, state: 'finished' } as const
  const page = trialsPage('runs/<search>', [
    { ...trial, name: 'short', budget: 4, accuracy: 0.9, loss: 0.3, seconds: 75 },
    { ...trial, name: 'long', budget: 40, accuracy: 0.7 },
    { ...trial, name: 'longer & better', budget: 40, accuracy: 0.75 },
    { name: 'half', seed: 2, state: 'running', budget: 40, progress: 0.5 },
    { name: 'broken', seed: 3, state: 'failed', budget: 4, error: 'no memory' },
  ])
  expect(page).toContain('<h1>75.00<small>%</small></h1>')
  expect(page).toContain('runs/&lt;search&gt;')
  expect(page).toContain('5 trials: 3 finished, 1 failed, 1 running.')
  const names = [...page.matchAll(/<td><span class="swatch"[^>]*><\/span>([^<]*)</g)].map(
    ([, name]) => name,
  )
  expect(names).toEqual(['longer &amp; better', 'long', 'half', 'short', 'broken'])
  expect(page).toContain('50 %')
  expect(page).toContain('broken, seed 3: no memory')
  expect(trialsPage('empty', [])).toContain('No accuracy yet')
})
