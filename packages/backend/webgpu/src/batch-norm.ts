// Batch normalisation with batch statistics, and its gradient: two reads of the images forward, two backward.
import { type Call, dispose, extend, type Info, input, map, type Program, size } from './kernel.ts'
import { partialSums, total } from './reduction.ts'

function layout(call: Call): { x: Info; rows: number; channels: number; epsilon: string } {
  const x = input(call, 'x')
  const channels = x.shape.at(-1)!
  const epsilon = `const epsilon = ${(call.attrs['epsilon'] as number).toExponential()};`
  return { x, channels, rows: size(x) / channels, epsilon }
}

/** A program with one thread per value and the channel index. */
const byChannel = (
  call: Call,
  name: string,
  { shape }: Info,
  inputs: Program['inputs'],
  functions: string,
  body: string,
): Info => {
  const channels = shape.at(-1)!
  return map(call, {
    name: `${name} ${channels} ${functions}`,
    shape,
    inputs,
    functions,
    body: `let channel = index % ${channels}; ${body}`,
  })
}

/**
 * x, gamma, beta → y, mean, variance (biased), with batch statistics. Sums are of differences to each channel's first
 * value, so that the variance of values far from 0 stays accurate.
 */
function train(call: Call): Info[] {
  const { x, rows, channels, epsilon } = layout(call)
  const [gamma, beta] = [input(call, 'gamma'), input(call, 'beta')]
  const partial = partialSums(call, {
    name: 'differences and squares',
    inputs: { x },
    rows,
    channels,
    prepare: 'let shift = x[channel];',
    terms: ['x[index] - shift', '(x[index] - shift) * (x[index] - shift)'],
  })
  const statistic = (name: string, inputs: Program['inputs'], body: string): Info =>
    byChannel(
      call,
      name,
      { ...gamma, shape: [channels] },
      inputs,
      `const rows = ${rows}.0; ${total('difference', partial, 0)} ${total('square', partial, 1)}`,
      body,
    )
  const mean = statistic(
    'mean',
    { x, partial },
    'let value = x[channel] + difference(channel) / rows;',
  )
  const variance = statistic(
    'variance',
    { partial },
    `let offset = difference(channel) / rows;
     let value = max(0.0, square(channel) / rows - offset * offset);`,
  )
  const y = byChannel(
    call,
    'normalize',
    x,
    { x, mean, variance, gamma, beta },
    epsilon,
    `let factor = gamma[channel] * inverseSqrt(variance[channel] + epsilon);
     let value = (x[index] - mean[channel]) * factor + beta[channel];`,
  )
  dispose(call, partial)
  return [y, mean, variance]
}

/** The gradients of gamma and beta, from which that of x is computed. */
function sumsOfGradient(call: Call): [dGamma: Info, dBeta: Info] {
  const { x, rows, channels, epsilon } = layout(call)
  const [dy, mean, variance] = [input(call, 'dy'), input(call, 'mean'), input(call, 'variance')]
  const partial = partialSums(call, {
    name: `gradients ${epsilon}`,
    inputs: { x, dy, mean, variance },
    rows,
    channels,
    prepare: `${epsilon}
      let shift = mean[channel];
      let inverse = inverseSqrt(variance[channel] + epsilon);`,
    terms: ['dy[index]', 'dy[index] * (x[index] - shift) * inverse'],
  })
  const sum = (term: number): Info =>
    byChannel(
      call,
      'sum',
      { ...mean, shape: [channels] },
      { partial },
      total('sum', partial, term),
      'let value = sum(channel);',
    )
  const sums = [sum(1), sum(0)] as [Info, Info]
  dispose(call, partial)
  return sums
}

/** x, dy, gamma, mean, variance → dx, dgamma, dbeta */
function trainGradient(call: Call): Info[] {
  const { x, rows, epsilon } = layout(call)
  const [dy, gamma] = [input(call, 'dy'), input(call, 'gamma')]
  const [mean, variance] = [input(call, 'mean'), input(call, 'variance')]
  const [dGamma, dBeta] = sumsOfGradient(call)
  const dx = byChannel(
    call,
    'normalize gradient',
    x,
    { x, dy, gamma, mean, variance, dGamma, dBeta },
    `${epsilon} const rows = ${rows}.0;`,
    `let inverse = inverseSqrt(variance[channel] + epsilon);
     let normalized = (x[index] - mean[channel]) * inverse;
     let average = (dBeta[channel] + normalized * dGamma[channel]) / rows;
     let value = gamma[channel] * inverse * (dy[index] - average);`,
  )
  return [dx, dGamma, dBeta]
}

/** The gradient of tf.batchNorm with given statistics: x, dy, gamma, mean, variance → dx, dgamma, dbeta. */
function normalizeGradient(call: Call): Info[] {
  const { x, epsilon } = layout(call)
  const [dy, gamma, variance] = [input(call, 'dy'), input(call, 'gamma'), input(call, 'variance')]
  const dx = byChannel(
    call,
    'scale gradient',
    x,
    { dy, gamma, variance },
    epsilon,
    'let value = dy[index] * gamma[channel] * inverseSqrt(variance[channel] + epsilon);',
  )
  return [dx, ...sumsOfGradient(call)]
}

export function registerBatchNorm(): void {
  extend('BatchNormTraining', () => train)
  extend('BatchNormTrainingGrad', () => trainGradient)
  extend('FusedBatchNormGrad', () => normalizeGradient)
}
