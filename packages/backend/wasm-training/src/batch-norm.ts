// Batch normalisation in two or three passes over the images, and its gradient.
import * as tf from '@tensorflow/tfjs-core'
import type { Engine } from './engine/index.ts'
import {
  type Call,
  type Info,
  type Kernel,
  type Part,
  compute,
  extend,
  heap,
  input,
  makeOutput,
  pointer,
  size,
  split,
  splitSum,
  values,
} from './kernel.ts'

function layout(call: Call): { x: Info; rows: number; channels: number } {
  const x = input(call, 'x')
  const channels = x.shape.at(-1)!
  return { x, channels, rows: size(x) / channels }
}

/**
 * Partial sums per channel over all rows, consecutive in `totals`: for `kind` 1 of x and x², for kind 2 of dy and dy·x,
 * with `shift` subtracted from x.
 */
function channelSums(
  engine: Engine,
  parts: readonly Part[],
  totals: number,
  [x, dy, shift]: readonly [x: number, dy: number, shift: number],
  channels: number,
  kind: 1 | 2,
): void {
  engine.each(
    'channel_sums',
    parts.map(({ begin, count }, part) => [
      [totals + 16 * part * channels, x + 4 * begin * channels, dy && dy + 4 * begin * channels],
      [shift, count, channels, kind],
    ]),
  )
}

/** to = x · factor + term, or dy · factor + x · slope + term */
function scaleRows(
  engine: Engine,
  [to, x, dy]: readonly [to: number, x: number, dy: number],
  terms: readonly [factor: number, slope: number, term: number],
  rows: number,
  channels: number,
): void {
  engine.each(
    'scale',
    split(engine, rows, 16 * rows * channels).map(({ begin, count }) => {
      const offset = 4 * begin * channels
      return [[to + offset, x + offset, dy && dy + offset], terms, [count, channels]]
    }),
  )
}

const work = ({ rows, channels }: { rows: number; channels: number }): number => 8 * rows * channels

/** x, gamma, beta → y, mean, variance (biased), with batch statistics. */
function train(call: Call): Info[] {
  const { x, rows, channels } = layout(call)
  const y = makeOutput(call, x.shape)
  const mean = makeOutput(call, [channels])
  const variance = makeOutput(call, [channels])
  const parts = splitSum(rows, work({ rows, channels }))
  const [gamma, beta] = ['gamma', 'beta'].map((name) => pointer(call, input(call, name)))
  const from = pointer(call, x)
  compute(
    call,
    [4 * channels * parts.length, channels, channels, channels],
    (engine, totals, shift, factor, term) => {
      engine.batch_norm_shift(shift, totals, from, rows, channels)
      channelSums(engine, parts, totals, [from, 0, shift], channels, 1)
      engine.batch_norm_terms(
        [pointer(call, mean), pointer(call, variance), factor, term, totals, parts.length],
        [shift, gamma!, beta!, rows, channels, call.attrs['epsilon'] as number],
      )
      scaleRows(engine, [pointer(call, y), from, 0], [factor, 0, term], rows, channels)
    },
  )
  return [y, mean, variance]
}

/** x, dy, gamma, mean, variance → dx, dgamma, dbeta */
function trainGradient(call: Call): Info[] {
  const { x, rows, channels } = layout(call)
  const dx = makeOutput(call, x.shape)
  const dgamma = makeOutput(call, [channels])
  const dbeta = makeOutput(call, [channels])
  const at = (name: string) => pointer(call, input(call, name))
  const parts = splitSum(rows, work({ rows, channels }))
  compute(
    call,
    [4 * channels * parts.length, channels, channels, channels],
    (engine, totals, factor, slope, term) => {
      channelSums(engine, parts, totals, [at('x'), at('dy'), at('mean')], channels, 2)
      engine.batch_norm_gradient_terms(
        [pointer(call, dgamma), pointer(call, dbeta), factor, slope, term, totals, parts.length],
        [at('gamma'), at('mean'), at('variance'), rows, channels],
        call.attrs['epsilon'] as number,
      )
      const tensors = [pointer(call, dx), at('x'), at('dy')] as const
      scaleRows(engine, tensors, [factor, slope, term], rows, channels)
    },
  )
  return [dx, dgamma, dbeta]
}

/** tf.batchNorm's four statistics, per channel in float64; null if one is not per channel. */
function statistics(
  call: Call,
): Record<'mean' | 'variance' | 'scale' | 'offset', Float64Array> | null {
  const { channels } = layout(call)
  const read = (name: string, missing: number) => {
    const info = call.inputs[name]
    if (!info) return new Float64Array(channels).fill(missing)
    const byChannel = info.shape.length === 1 && info.shape[0] === channels
    return byChannel ? Float64Array.from(values(call, info)) : null
  }
  const [mean, variance, scale, offset] = [
    read('mean', 0),
    read('variance', 1),
    read('scale', 1),
    read('offset', 0),
  ]
  return mean && variance && scale && offset ? { mean, variance, scale, offset } : null
}

function inverseDeviation(variance: Float64Array, epsilon: number): Float64Array {
  return variance.map((value) => 1 / Math.sqrt(value + epsilon))
}

/** Writes float32 values to an address in the heap. */
function write(call: Call, address: number, from: ArrayLike<number>): void {
  new Float32Array(heap(call).HEAPU8.buffer, address, from.length).set(from)
}

/** tf.batchNorm: y = scale · (x − mean) / √(variance + ε) + offset, with given statistics. */
function normalize(original: Kernel): Kernel {
  return (call) => {
    const given = statistics(call)
    if (!given) return original(call)
    const { x, rows, channels } = layout(call)
    const inverse = inverseDeviation(given.variance, call.attrs['varianceEpsilon'] as number)
    const factor = inverse.map((value, channel) => value * given.scale[channel]!)
    const term = factor.map(
      (value, channel) => given.offset[channel]! - given.mean[channel]! * value,
    )
    const y = makeOutput(call, x.shape)
    compute(call, [channels, channels], (engine, factors, terms) => {
      write(call, factors, factor)
      write(call, terms, term)
      const tensors = [pointer(call, y), pointer(call, x), 0] as const
      scaleRows(engine, tensors, [factors, 0, terms], rows, channels)
    })
    return y
  }
}

/** The gradient of tf.batchNorm with given statistics: x, dy, gamma, mean, variance → dx, dgamma, dbeta */
function normalizeGradient(call: Call): Info[] {
  const { x, rows, channels } = layout(call)
  const dx = makeOutput(call, x.shape)
  const dgamma = makeOutput(call, [channels])
  const dbeta = makeOutput(call, [channels])
  const read = (name: string) => Float64Array.from(values(call, input(call, name)))
  const [gamma, mean] = [read('gamma'), read('mean')]
  const inverse = inverseDeviation(read('variance'), call.attrs['epsilon'] as number)
  const dy = pointer(call, input(call, 'dy'))
  const parts = splitSum(rows, work({ rows, channels }))
  const scratch = [channels, channels, 4 * channels * parts.length]
  compute(call, scratch, (engine, terms, factors, totals) => {
    write(call, terms, mean)
    channelSums(engine, parts, totals, [pointer(call, x), dy, terms], channels, 2)
    const sums = new Float64Array(heap(call).HEAPU8.buffer, totals, 2 * channels * parts.length)
    const sum = (channel: number): number =>
      parts.reduce((total, _, part) => total + sums[part * 2 * channels + channel]!, 0)
    values(call, dbeta).set(inverse.map((_, channel) => sum(channel)))
    values(call, dgamma).set(inverse.map((value, channel) => sum(channels + channel) * value))
    const factor = inverse.map((value, channel) => value * gamma[channel]!)
    write(call, factors, factor)
    write(call, terms, new Float32Array(channels))
    scaleRows(engine, [pointer(call, dx), dy, 0], [factors, 0, terms], rows, channels)
  })
  return [dx, dgamma, dbeta]
}

export function registerBatchNorm(): void {
  extend('BatchNormTraining', () => train)
  extend('BatchNormTrainingGrad', () => trainGradient)
  extend(tf.FusedBatchNorm, normalize)
  extend('FusedBatchNormGrad', () => normalizeGradient)
}
