import { compose } from '@tricks/core'
import { cosineDecay, cosineSchedule } from '@tricks/cosine-decay'
import { linearScaling } from '@tricks/linear-scaling'
import { randomFlip } from '@tricks/random-flip'
import { reduceOnPlateau } from '@tricks/reduce-on-plateau'
import { stepDecay } from '@tricks/step-decay'
import { constantWarmup, warmup } from '@tricks/warmup'
import { expect, test } from 'vitest'
import { rateCurve } from '../src/plot/curve.ts'
import { lossSvg, lossTerminal } from '../src/plot/losses.ts'
import { plotSvg } from '../src/plot/svg.ts'
import { plotTerminal, rateText } from '../src/plot/terminal.ts'

const run = { epochs: 12, stepsPerEpoch: 100 }

test('a list of tricks gives the rates of a run, from the first step to the last', () => {
  const tricks = [
    randomFlip(),
    warmup({ multiplier: 8, over: { epochs: 2 }, after: cosineDecay() }),
    linearScaling(),
  ]
  const { points, steps } = rateCurve({ of: tricks, rate: 0.02, batchSize: 512, ...run })
  const pipeline = compose(tricks, { stepsPerEpoch: 100, steps: 1200 })
  const data = { size: 1, height: 1, width: 1, channels: 1, classes: 1, mean: [0], deviation: [1] }
  const time = { step: 0, stepsPerEpoch: 100, steps: 1200 }
  pipeline.start({ variables: {}, data, batchSize: 512, time })
  for (const [step, rate] of points) expect(rate).toBe(pipeline.learningRate(0.02, step))
  expect(points[0]).toEqual([0, 0.04])
  expect(points.at(-1)![0]).toBe(1199)
  expect(Math.max(...points.map(([, rate]) => rate))).toBeCloseTo(0.32)
  expect(steps).toBe(1200)
  expect(points.length).toBeLessThan(300)
})

test('a jump has points on both sides', () => {
  const { points } = rateCurve({
    of: [stepDecay({ milestones: [{ steps: 333 }], gamma: 0.1 })],
    rate: 1,
    ...run,
  })
  const sides = points.filter(([step]) => step === 332 || step === 333)
  expect(sides).toEqual([
    [332, 1],
    [333, 0.1],
  ])
})

test('a schedule is a function of t', () => {
  const schedule = cosineSchedule({ rate: 0.3, steps: 1200 })
  for (const [step, rate] of rateCurve({ of: schedule, ...run }).points)
    expect(rate).toBe(schedule(step))
})

test('a rate that depends on metrics uses the given ones', () => {
  const flat = { loss: 1, accuracy: 0.5 }
  const metrics = () => ({ training: flat, validation: flat })
  const plateau = (given?: typeof metrics): number =>
    rateCurve({
      of: [reduceOnPlateau({ patience: 3 })],
      rate: 1,
      metrics: given,
      ...run,
    }).points.at(-1)![1]
  expect(plateau()).toBe(1)
  // Epoch 0 is the best; cuts follow epochs 4 and 8.
  expect(plateau(metrics)).toBeCloseTo(0.01)

  const warm = rateCurve({
    of: [constantWarmup({ until: 0.8, every: { steps: 20 } })],
    metrics: (epoch) => ({ training: { loss: 1, accuracy: epoch < 2 ? 0.1 : 0.3 } }),
    rate: 1,
    ...run,
  })
  expect(warm.points.filter(([, rate]) => rate < 1).at(-1)![0]).toBe(219)
})

test.each([
  [{ epochs: 0 }, 'plot: expected epochs to be a positive integer, got 0'],
  [{ stepsPerEpoch: 1.5 }, 'plot: expected stepsPerEpoch to be a positive integer, got 1.5'],
])('rejects %o', (options, message) => {
  expect(() => rateCurve({ of: [], ...options })).toThrow(message)
})

test('in the terminal: as wide as the terminal, and high where the rate is high', async () => {
  const curve = rateCurve({
    of: [stepDecay({ milestones: [{ fraction: 0.5 }] })],
    rate: 0.1,
    ...run,
  })
  for (const width of [60, 100]) {
    const lines = (await plotTerminal([curve], { width, height: 8, color: false })).split('\n')
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width)
    expect(Math.max(...lines.map(({ length }) => length))).toBeGreaterThan(width - 5)
    expect(lines[0]).toBe('learning rate')
    const plot = lines.slice(1, -2).map((line) => line.slice(line.search(/[┤│]/) + 1))
    const half = Math.floor(plot[0]!.length / 2)
    expect(plot[0]!.slice(0, half - 3)).toBe('━'.repeat(half - 3))
    expect(plot[0]!.slice(half + 3).trim()).toBe('')
    expect(plot.slice(-2).map((line) => line.slice(half + 3, -2))).toContain(
      '━'.repeat(plot[0]!.length - half - 5),
    )
    expect(lines.at(-1)).toMatch(/^ +0 +epoch +12$/)
  }
})

test('curves have different colours', async () => {
  const curves = ['one', 'other'].map((name) => rateCurve({ name, of: [cosineDecay()], ...run }))
  const drawn = await plotTerminal(curves, { width: 60, color: true })
  expect(drawn.split('\n')[0]).toBe('\u001B[34m━\u001B[0m one  \u001B[33m━\u001B[0m other')
})

test.each([
  [0, '0'],
  [0.0125, '0.0125'],
  [0.1 + 0.2, '0.3'],
  [0.0005, '5e-4'],
  [0.00012345, '1.2e-4'],
])('%d is written %s', (rate, text) => expect(rateText(rate)).toBe(text))

test('as SVG: self-contained, with legend, and deterministic', () => {
  const options = { of: [cosineDecay()], name: 'cosine & more', ...run }
  const behind = { name: 'validation loss', points: [[0, 2] as const, [1200, 1] as const] }
  const draw = (): string => plotSvg([rateCurve(options)], { behind })
  const svg = draw()
  expect(svg).toBe(draw())
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="832" height="260"/)
  expect(svg).toContain('>cosine &amp; more</text>')
  expect(svg).toContain('>validation loss</text>')
  expect(svg).toContain('>epoch</text>')
  expect(svg.match(/<path[^>]*stroke="#1f5fd0"[^>]*>/g)!.length).toBe(2)
  expect(svg).not.toContain('NaN')
})

test('the loss over the rate marks the suggested rate, without the explosion at the end', async () => {
  const points = Array.from({ length: 50 }, (_, i) => ({
    rate: 10 ** (i / 10 - 4),
    loss: i < 40 ? 3 - i / 20 : 10 ** (i - 38),
  }))
  const curve = { points, rate: 0.01 }
  const lines = (await lossTerminal(curve, { width: 60, height: 8 })).split('\n')
  expect(lines[0]).toBe('loss by learning rate')
  expect(lines.at(-2)).toMatch(/^ +1e-4 +0\.794$/)
  expect(lines.at(-1)!.trim()).toBe('↑ 0.01')
  // Halfway between 1e-4 and 0.794 on a logarithmic axis.
  const axis = lines.at(-3)!
  const share = (axis.indexOf('┴') - axis.indexOf('└')) / (axis.length - axis.indexOf('└'))
  expect(share).toBeCloseTo(2 / 3.9, 1)

  // At the right edge, the number stands to the left of the arrow.
  const last = (await lossTerminal({ points, rate: 0.794 }, { width: 60 })).split('\n')
  expect(last.at(-1)).toMatch(/ 0\.794 ↑$/)
  expect(last.at(-1)!.indexOf('↑')).toBe(last.at(-3)!.indexOf('┴'))

  const svg = lossSvg(curve)
  expect(svg).toContain('>0.01</text>')
  expect(svg).not.toContain('NaN')
})
