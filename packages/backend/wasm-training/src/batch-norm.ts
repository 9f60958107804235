// Batch normalisation in two or three passes over the images, and its gradient.
import * as tf from '@tensorflow/tfjs-core'
import {
  type Call,
  type Info,
  type Kernel,
  compute,
  extend,
  heap,
  input,
  makeOutput,
  pointer,
  size,
  values,
} from './kernel.ts'

function layout(call: Call): { x: Info; rows: number; channels: number } {
  const x = input(call, 'x')
  const channels = x.shape.at(-1)!
  return { x, channels, rows: size(x) / channels }
}

/** x, gamma, beta → y, mean, variance (biased), by the batch's own statistics. */
function train(call: Call): Info[] {
  const { x, rows, channels } = layout(call)
  const y = makeOutput(call, x.shape)
  const mean = makeOutput(call, [channels])
  const variance = makeOutput(call, [channels])
  compute(call, [4 * channels, 3 * channels], (engine, totals, scratch) => {
    engine.batch_norm(
      [pointer(call, y), pointer(call, mean), pointer(call, variance), totals, scratch],
      [pointer(call, x), pointer(call, input(call, 'gamma')), pointer(call, input(call, 'beta'))],
      [rows, channels, call.attrs['epsilon'] as number],
    )
  })
  return [y, mean, variance]
}

/** x, dy, gamma, mean, variance → dx, dgamma, dbeta */
function trainGradient(call: Call): Info[] {
  const { x, rows, channels } = layout(call)
  const dx = makeOutput(call, x.shape)
  const dgamma = makeOutput(call, [channels])
  const dbeta = makeOutput(call, [channels])
  const at = (name: string) => pointer(call, input(call, name))
  compute(call, [4 * channels, 3 * channels], (engine, totals, scratch) => {
    engine.batch_norm_gradient(
      [pointer(call, dx), pointer(call, dgamma), pointer(call, dbeta), totals, scratch],
      [at('x'), at('dy'), at('gamma'), at('mean'), at('variance')],
      [rows, channels, call.attrs['epsilon'] as number],
    )
  })
  return [dx, dgamma, dbeta]
}

/** tf.batchNorm's four statistics, by channel and in float64; null where one is not by channel. */
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

/** Writes float32 values at an address of the heap. */
function write(call: Call, address: number, from: ArrayLike<number>): void {
  new Float32Array(heap(call).HEAPU8.buffer, address, from.length).set(from)
}

/** tf.batchNorm: y = scale · (x − mean) / √(variance + ε) + offset, by given statistics. */
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
      engine.scale(pointer(call, y), pointer(call, x), factors, terms, rows, channels)
    })
    return y
  }
}

/** The same of tf.batchNorm by given statistics: x, dy, gamma, mean, variance → dx, dgamma, dbeta */
function normalizeGradient(call: Call): Info[] {
  const { x, rows, channels } = layout(call)
  const dx = makeOutput(call, x.shape)
  const dgamma = makeOutput(call, [channels])
  const dbeta = makeOutput(call, [channels])
  const read = (name: string) => Float64Array.from(values(call, input(call, name)))
  const [gamma, mean] = [read('gamma'), read('mean')]
  const inverse = inverseDeviation(read('variance'), call.attrs['epsilon'] as number)
  const dy = pointer(call, input(call, 'dy'))
  const scratch = [channels, channels, 2 * channels, 4 * channels]
  compute(call, scratch, (engine, terms, factors, sums, totals) => {
    write(call, terms, mean)
    engine.gradient_sums([sums, totals, pointer(call, x), dy, terms, rows, channels])
    const sum = (term: 0 | 1): Float32Array =>
      new Float32Array(heap(call).HEAPU8.buffer, sums + 4 * term * channels, channels).slice()
    values(call, dbeta).set(sum(0))
    values(call, dgamma).set(sum(1).map((product, i) => product * inverse[i]!))
    const factor = inverse.map((value, channel) => value * gamma[channel]!)
    write(call, factors, factor)
    write(call, terms, new Float32Array(channels))
    engine.scale(pointer(call, dx), dy, factors, terms, rows, channels)
  })
  return [dx, dgamma, dbeta]
}

export function registerBatchNorm(): void {
  extend('BatchNormTraining', () => train)
  extend('BatchNormTrainingGrad', () => trainGradient)
  extend(tf.FusedBatchNorm, normalize)
  extend('FusedBatchNormGrad', () => normalizeGradient)
}
