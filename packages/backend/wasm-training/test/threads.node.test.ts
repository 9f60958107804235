import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instantiate, memoryOf } from '../src/engine/index.ts'
import { setThreads } from '../src/index.ts'
import { generator } from './compare.ts'

beforeAll(() => tf.setBackend('wasm'))
afterAll(() => tf.setBackend('cpu'))

let random = generator(5)
const make = (...shape: number[]): tf.Tensor => tf.tensor(random.values(shape), shape)
const images = (): tf.Tensor4D => make(9, 33, 31, 32) as tf.Tensor4D
const gradients = (f: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor, x: tf.Tensor, y: tf.Tensor) => {
  const { value, grads } = tf.valueAndGrads(f)([x, y])
  return [value, ...grads]
}
const convolve =
  (stride: number, dilation = 1) =>
  (x: tf.Tensor, filter: tf.Tensor) =>
    tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same', 'NHWC', dilation)

/** Operations large enough to be divided. */
const operations: Readonly<Record<string, () => tf.Tensor[]>> = {
  "3x3 convolution with Winograd's algorithm": () =>
    gradients(convolve(1), images(), make(3, 3, 32, 48)),
  '3x3 convolution with a stride': () => gradients(convolve(2), images(), make(3, 3, 32, 20)),
  '1x1 convolution': () => gradients(convolve(1), images(), make(1, 1, 32, 50)),
  'dilated convolution': () => gradients(convolve(1, 2), images(), make(3, 3, 32, 8)),
  'depthwise convolution': () =>
    gradients(
      (x, y) => tf.depthwiseConv2d(x as tf.Tensor4D, y as tf.Tensor4D, 1, 'same'),
      images(),
      make(3, 3, 32, 1),
    ),
  'matrix product': () => gradients((x, y) => tf.matMul(x, y), make(300, 150), make(150, 200)),
  'transposed matrix product': () =>
    gradients((x, y) => tf.matMul(x, y, true, true), make(150, 300), make(200, 150)),
  'batch norm with given statistics': () =>
    gradients(
      (x, gamma) =>
        tf.batchNorm(
          x as tf.Tensor4D,
          make(32) as tf.Tensor1D,
          tf.abs(make(32)) as tf.Tensor1D,
          make(32) as tf.Tensor1D,
          gamma as tf.Tensor1D,
        ),
      images(),
      make(32),
    ),
  pooling: () =>
    gradients((x, y) => tf.add(tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), y), images(), make(1)),
  'relu and a mean': () => gradients((x, y) => tf.mul(tf.mean(tf.relu(x)), y), images(), make(1)),
  'sums over the batch, and over each image': () => {
    const x = images()
    return [tf.sum(x, [0, 1, 2]), tf.sum(x, [1, 2]), tf.mean(x, 0)]
  },
  'moving values': () => {
    const x = images()
    return [
      tf.transpose(x, [3, 1, 2, 0]),
      tf.reverse(x, [1, 2]),
      tf.slice(x, [1, 2, 3, 4], [7, 29, 26, 20]),
      tf.gather(x, [8, 0, 3, 3, 1, 7, 2]),
      tf.where(tf.greater(x, 0), x, tf.neg(x)),
      tf.maximum(x, images()),
      tf.cast(tf.equal(tf.round(x), 0), 'int32'),
    ]
  },
}

describe('bit-equal on 1, 2, 3 and 4 threads', () => {
  test.each(Object.entries(operations))('%s', (_, operation) => {
    const results = [1, 2, 3, 4].map((threads) => {
      setThreads(threads)
      random = generator(5)
      const values = tf.tidy(() => operation().map((tensor) => tensor.dataSync()))
      return Buffer.concat(values.map((each) => new Uint8Array(each.buffer)))
    })
    for (const [i, result] of results.entries())
      expect(result.equals(results[0]!), `${i + 1} threads`).toBe(true)
  })
})

test('other threads run parts', () => {
  const { buffer } = memoryOf(tf.backend() as BackendWasm)
  expect(Object.prototype.toString.call(buffer)).toBe('[object SharedArrayBuffer]')

  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true })
  const engine = instantiate(memory, undefined, 3)
  const [rows, channels] = [16, 4096]
  const bytes = 16 * channels
  const used = new Set<number>()
  new Float32Array(memory.buffer, 2 ** 20, rows * channels).fill(1)
  // A machine under load may take a while, so there is no time limit.
  for (const end = Date.now() + 60_000; used.size < 3 && Date.now() < end;) {
    const scratch = new Float64Array(memory.buffer, 0, (3 * bytes) / 8).fill(0)
    const part = [{ address: 0, bytes }, 2 ** 20, 0, 0, rows, channels, 0]
    engine.each(
      'channel_sums',
      Array.from({ length: 48 }, () => part),
    )
    for (const thread of [0, 1, 2]) if (scratch[(thread * bytes) / 8] === rows) used.add(thread)
  }
  engine.stop()
  expect(used).toEqual(new Set([0, 1, 2]))
})

test('a kernel that fails on any thread is an error', () => {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true })
  const engine = instantiate(memory, undefined, 2)
  const beyond = [2 ** 20, 2 ** 20, 0, 0, 16, 4096, 0]
  expect(() => engine.each('channel_sums', [beyond, beyond])).toThrow(
    'wasm-training: the kernel channel_sums failed on one of its threads',
  )
  engine.stop()
})

test('a process exits although its threads are waiting', () => {
  const program = `
    import * as tf from '@tensorflow/tfjs-core'
    import '@tricks/wasm-training'
    await tf.setBackend('wasm')
    console.log(tf.matMul(tf.ones([512, 512]), tf.ones([512, 512])).dataSync()[0], typeof Worker)`
  const printed = execFileSync(
    process.execPath,
    ['--conditions=@tricks/source', '--input-type=module', '--eval', program],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8', timeout: 120_000 },
  )
  expect(printed.trim().split('\n').at(-1)).toBe(`512 ${typeof Worker}`)
})

test.each([0, 1.5, 257, Number.NaN])('rejects %s threads', (count) => {
  expect(() => setThreads(count)).toThrow(
    `wasm-training: expected threads to be an integer from 1 to 256, got ${count}`,
  )
})
