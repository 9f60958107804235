import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import type { EpochProgress, StepProgress } from '@tricks/train'
import { expect, test } from 'vitest'
import { type ProgressMode, progressView } from '../src/index.ts'

/** A stream that records its output, as a terminal or not. */
function screen(isTTY: boolean): { stream: NodeJS.WriteStream; shown: () => string } {
  let text = ''
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _, done) {
        text += chunk.toString()
        done()
      },
    }),
    { isTTY, columns: 120, rows: 40 },
  )
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    shown: () => stripVTControlCharacters(text),
  }
}

const time = (step: number): StepProgress['time'] => ({ step, stepsPerEpoch: 10, steps: 30 })
const step = (done: number): StepProgress => ({
  kind: 'step',
  time: time(done - 1),
  loss: 1.5,
  accuracy: 0.4,
  rate: 0.05,
  imagesPerSecond: 1234.4,
})
const epoch = (number: number, accuracy: number | undefined): EpochProgress => ({
  kind: 'epoch',
  epoch: number,
  time: time((number + 1) * 10),
  training: { loss: 1.25, accuracy: 0.5 },
  ...(accuracy !== undefined && { validation: { loss: 1, accuracy } }),
  rate: 0.05,
  seconds: 61,
})

const course = [step(5), step(10), epoch(0, 0.6), step(15), epoch(1, 0.55)]

function show(mode: ProgressMode | undefined, isTTY: boolean, told = course): string {
  const { stream, shown } = screen(isTTY)
  const view = progressView({ mode, stream })
  view.say('a line before')
  view.begin({ epochs: 3 })
  view.event({ kind: 'run' })
  for (const progress of told) view.show(progress)
  view.end()
  view.result('\nthe result')
  return shown()
}

test.each([undefined, 'bars'] as const)('%s in a terminal: bars, and a line per epoch', (mode) => {
  const started = show(mode, true, course.slice(0, 1))
  expect(started).toContain('a line before')
  expect(started).toMatch(/run {3}█+░+ {1,3}16 % {2}epoch 1\/3 {2}\d+:\d\d left/)
  expect(started).toMatch(/epoch █+░+ {1,3}50 % {2}loss 1\.500 {2}rate 0\.0500 {2}1234 images\/s/)

  const shown = show(mode, true)
  expect(shown).toMatch(
    /epoch 1\/3 done {2}training loss 1\.250 {2}validation accuracy 60\.00 % {2}1:01 {2}best so far\n/,
  )
  expect(shown).toMatch(/ 50 % {2}epoch 2\/3 .* best 60\.00 % after epoch 1/)
  expect(shown).toMatch(/epoch 2\/3 done .*55\.00 % {2}1:01 {2}best 60\.00 % after epoch 1\n/)
  expect(shown).toContain('the result')
})

test.each([
  [undefined, false],
  ['bars', false],
  ['lines', true],
] as const)('%s, a terminal: %s: lines', (mode, isTTY) => {
  const shown = show(mode, isTTY)
  expect(shown).not.toMatch(/[█░]/)
  expect(shown.split('\n')).toEqual([
    'a line before',
    expect.stringMatching(/^epoch 1\/3 done .* best so far$/),
    expect.stringMatching(/^epoch 2\/3 done .* best 60\.00 % after epoch 1$/),
    '',
    'the result',
    '',
  ])
})

test('quiet: only the result', () => {
  expect(show('quiet', true)).toBe('the result\n')
})

test('json: only events', () => {
  expect(show('json', true)).toBe('{"kind":"run"}\n')
})

test('a resumed run knows its best epoch and estimates from its own steps', () => {
  const { stream, shown } = screen(false)
  const view = progressView({ stream })
  view.begin({ epochs: 3, earlier: [epoch(0, 0.9)], from: 10 })
  view.show(epoch(1, 0.55))
  view.show(epoch(2, undefined))
  expect(shown()).toContain('best 90.00 % after epoch 1\n')
  expect(shown()).toMatch(/epoch 3\/3 done {2}training loss 1\.250 {2}1:01\n/)
})
