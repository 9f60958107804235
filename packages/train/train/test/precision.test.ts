import * as tf from '@tensorflow/tfjs-core'
import { afterEach, expect, test, vi } from 'vitest'
import { train, type TrainOptions } from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

const run = (precision: string): ReturnType<typeof train> =>
  train({
    model: denseModel(),
    data: { train: blobs(120), test: blobs(40, 1) },
    optimizer: tf.train.momentum(0.1, 0.9),
    epochs: 5,
    batchSize: 16,
    precision: precision as NonNullable<TrainOptions['precision']>,
  })

afterEach(() => vi.restoreAllMocks())

test('rejects an unknown precision', async () => {
  await expect(run('float8')).rejects.toThrow(
    'train: expected precision to be float32 or bfloat16, got float8',
  )
})

test('without bfloat16 on the backend, float32 is used with a warning', async () => {
  await tf.setBackend('cpu')
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  expect(await run('bfloat16')).toMatchObject({ stopped: 'finished', precision: 'float32' })
  expect(warn.mock.calls).toEqual([[expect.stringContaining('bfloat16 is unavailable')]])
})

test('with bfloat16, training uses it and evaluation uses float32', async (context) => {
  context.skip(tf.findBackendFactory('tensorflow') === null, 'TensorFlow is not installed')
  await tf.setBackend('tensorflow')
  context.skip(!isCapable(), 'this processor does not support bfloat16')
  const set = vi.spyOn(tf.env(), 'set')
  const { precision, steps, test: metrics } = await run('bfloat16')
  expect(precision).toBe('bfloat16')
  expect(metrics!.accuracy).toBeGreaterThan(0.9)
  // Once for the availability check, then around each step's gradients.
  const values = set.mock.calls.map(([, value]) => value)
  expect(values.filter((value) => value === 'bfloat16')).toHaveLength(steps + 1)
  expect(values.at(-1)).toBe('float32')
  await tf.setBackend('cpu')
})

function isCapable(): boolean {
  try {
    tf.env().set('COMPUTE_PRECISION', 'bfloat16')
    tf.env().set('COMPUTE_PRECISION', 'float32')
    return true
  } catch {
    return false
  }
}
