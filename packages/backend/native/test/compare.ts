import * as tf from '@tensorflow/tfjs-core'
import { type Random, createRandom } from '@tricks/core'
import { expect } from 'vitest'

export interface Input {
  readonly values: Float32Array
  readonly shape: number[]
}

/** Draws for the i-th case of a test. */
export interface Draw extends Random {
  within(low: number, high: number): number
  pick<Value>(choices: readonly Value[]): Value
  input(...shape: number[]): Input
}

export function draws(test: string, i: number): Draw {
  const random = createRandom(1).fork(test).at(i)
  const within = (low: number, high: number) => random.integer(low, high + 1)
  return {
    ...random,
    within,
    pick: (choices) => choices[random.integer(0, choices.length)]!,
    input: (...shape) => ({
      shape,
      values: Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () =>
        random.uniform(-1, 1),
      ),
    }),
  }
}

export type Operation = (...inputs: tf.Tensor[]) => tf.Tensor

/** The output and the gradients by all inputs, for a non-constant upstream gradient. */
export function withGradients(operation: Operation, inputs: readonly Input[]): tf.Tensor[] {
  const tensors = inputs.map(({ values, shape }) => tf.tensor(values, shape))
  const y = operation(...tensors)
  const dy = tf.reshape(tf.sin(tf.range(1, y.size + 1)), y.shape)
  return [y, ...tf.grads(operation)(tensors, dy)]
}

async function on(backend: string, make: () => tf.Tensor[]) {
  await tf.setBackend(backend)
  const before = tf.memory().numTensors
  const results = tf.tidy(() =>
    make().map((tensor) => ({ shape: tensor.shape, values: [...tensor.dataSync()] })),
  )
  expect(tf.memory().numTensors, `tensors on ${backend}`).toBe(before)
  await tf.setBackend('cpu')
  return results
}

/** Checks that `make` on tensorflow equals `reference` on cpu, relative to the largest value. */
export async function expectEqual(
  label: unknown,
  make: () => tf.Tensor[],
  { reference = make, tolerance = 2e-5 } = {},
): Promise<void> {
  const expected = await on('cpu', reference)
  const got = await on('tensorflow', make)
  const name = JSON.stringify(label)
  const shapes = (results: typeof got) => results.map(({ shape }) => shape)
  expect(shapes(got), name).toEqual(shapes(expected))
  for (const [i, { values }] of expected.entries()) {
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
    const worst = values.reduce((most, value, j) => {
      const error = Math.abs(value - got[i]!.values[j]!)
      return error <= most ? most : error // NaN is kept
    }, 0)
    expect(worst / scale, `${name}, output ${i}`).toBeLessThan(tolerance)
  }
}

/**
 * Batch normalisation by batch statistics with its gradient, with the backend's own kernels, as in @tricks/batch-norm.
 */
export function batchNorm(epsilon: number): Operation {
  const run = (name: string, inputs: tf.NamedTensorMap) =>
    tf.engine().runKernel<tf.Tensor[]>(name, inputs, { epsilon })
  return tf.customGrad(((
    x: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    save: tf.GradSaveFunc,
  ) => {
    const [value, mean, variance] = run('BatchNormTraining', { x, gamma, beta })
    save([x, gamma, mean!, variance!])
    const names = ['x', 'gamma', 'mean', 'variance']
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const inputs = Object.fromEntries(names.map((name, i) => [name, saved[i]!]))
      return run('BatchNormTrainingGrad', { ...inputs, dy })
    }
    return { value: value!, gradFunc }
  }) as Parameters<typeof tf.customGrad>[0])
}

/** GELU with the backend's own kernels, as in @tricks/models, otherwise composed. */
export function gelu(x: tf.Tensor): tf.Tensor {
  if (!tf.getKernel('Gelu', tf.getBackend()))
    return tf.mul(x, tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))))
  return tf.customGrad(((given: tf.Tensor, save: tf.GradSaveFunc) => {
    save([given])
    return {
      value: tf.engine().runKernel<tf.Tensor>('Gelu', { x: given }),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        tf.engine().runKernel<tf.Tensor>('GeluGrad', { x: saved!, dy }),
    }
  }) as Parameters<typeof tf.customGrad>[0])(x)
}
