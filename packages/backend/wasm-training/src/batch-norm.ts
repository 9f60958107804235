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

function inverseDeviation(variance: Float64Array, call: Call): Float64Array {
  return variance.map((value) => 1 / Math.sqrt(value + (call.attrs['varianceEpsilon'] as number)))
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
    const inverse = inverseDeviation(given.variance, call)
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

/** x, dy, mean, variance, scale → the gradients of x, mean, variance, scale and offset of tf.batchNorm. */
function normalizeGradient(call: Call): Info[] {
  const { mean, variance, scale } = statistics(call)!
  const { rows, channels } = layout(call)
  const [x, dy] = [input(call, 'x'), input(call, 'dy')]
  const inverse = inverseDeviation(variance, call)
  const factor = inverse.map((value, channel) => value * scale[channel]!)
  const dx = makeOutput(call, x.shape)
  const outputs = Array.from({ length: 4 }, () => makeOutput(call, [channels]))
  compute(
    call,
    [channels, channels, 2 * channels, 4 * channels],
    (engine, means, factors, sums, totals) => {
      write(call, means, mean)
      write(call, factors, factor)
      engine.gradient_sums([
        sums,
        totals,
        pointer(call, x),
        pointer(call, dy),
        means,
        rows,
        channels,
      ])
      const [sum, product] = [0, 1].map((i) =>
        Float64Array.from(
          new Float32Array(heap(call).HEAPU8.buffer, sums + 4 * i * channels, channels),
        ),
      ) as [Float64Array, Float64Array]
      const gradients = [
        sum.map((value, i) => -value * factor[i]!),
        product.map((value, i) => -0.5 * value * factor[i]! * inverse[i]! ** 2),
        product.map((value, i) => value * inverse[i]!),
        sum,
      ]
      for (const [i, gradient] of gradients.entries()) values(call, outputs[i]!).set(gradient)
      write(call, means, new Float32Array(channels))
      engine.scale(pointer(call, dx), pointer(call, dy), factors, means, rows, channels)
    },
  )
  return [dx, ...outputs]
}

export function registerBatchNorm(): void {
  extend('BatchNormTraining', () => train)
  extend('BatchNormTrainingGrad', () => trainGradient)
  extend(tf.FusedBatchNorm, normalize)
  extend('FusedBatchNormGrad', () => normalizeGradient)
}
