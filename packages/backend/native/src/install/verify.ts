// Checks that an installation computes a convolution's gradient correctly.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import type { Installation } from '../installation.ts'
import { load } from '../load.ts'

const run = promisify(execFile)

/** The device that an installation computes on. */
export interface Device {
  readonly tensorflow: string
  readonly device: 'CPU' | 'GPU'
}

/**
 * Loads an installation into this process and checks the gradient of a 3x3 convolution.
 *
 * @throws Error if it doesn't load or computes wrong values
 */
export async function compute(installation: Installation): Promise<Device> {
  const backend = load(installation)()
  const { binding } = backend
  tf.registerBackend('tensorflow', () => backend)
  await tf.setBackend('tensorflow')
  const size = 5
  const outputs = size - 2
  const values = (count: number, step: number) =>
    Array.from({ length: count }, (_, i) => ((i * step) % 11) - 5)
  const [x, dy] = [values(size * size, 7), values(outputs * outputs, 3)]
  const inputs = {
    x: tf.tensor4d(x, [1, size, size, 1]),
    dy: tf.tensor4d(dy, [1, outputs, outputs, 1]),
  }
  const attributes = { strides: 1, pad: 'valid', dataFormat: 'NHWC', filterShape: [3, 3, 1, 1] }
  const gradient = tf.engine().runKernel<tf.Tensor>(tf.Conv2DBackpropFilter, inputs, attributes)
  for (const [tap, found] of (await gradient.data()).entries()) {
    const [row, column] = [Math.floor(tap / 3), tap % 3]
    const expected = dy.reduce((sum, value, i) => {
      const at = (row + Math.floor(i / outputs)) * size + column + (i % outputs)
      return sum + value * x[at]!
    }, 0)
    if (Math.abs(found - expected) > 1e-3)
      throw new Error(
        `native: the gradient of a convolution is wrong: expected ${expected}, got ${found}`,
      )
  }
  return { tensorflow: binding.TF_Version, device: backend.isUsingGpuDevice ? 'GPU' : 'CPU' }
}

export interface Verified extends Device {
  /** TensorFlow's log output. */
  readonly log: readonly string[]
}

/** Runs `compute` in a separate process, which may crash. `command` prints its result. */
export async function verify(command: readonly string[]): Promise<Verified> {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '0' }
  try {
    const { stdout, stderr } = await run(process.execPath, [...command], { env })
    const device = JSON.parse(stdout.trim().split('\n').at(-1)!) as Device
    return { ...device, log: stderr.trim().split('\n') }
  } catch (error) {
    const { signal, stderr } = error as { signal?: string; stderr?: string }
    const reason =
      signal === 'SIGILL'
        ? 'this processor lacks instructions that the wheel is compiled for (AVX)'
        : signal
          ? `it was ended by ${signal}`
          : withoutStack(stderr || (error as Error).message)
    throw new Error(`native: the installation does not work: ${reason}`, { cause: error })
  }
}

/** The last lines, without stack traces. */
const withoutStack = (said: string): string =>
  said
    .trim()
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
    .slice(-8)
    .join('\n')
