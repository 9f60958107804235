import { describe, expect, test } from 'vitest'
import { type Simd, instantiate, supported } from '../src/engine/index.ts'
import { generator } from './compare.ts'

const page = 65536
/** The memory below must stay unused: a stack or data of the module would be there. */
const start = 16 * page

/** Computes a convolution, its gradients and batch norm on a separate memory. */
function compute(memory: WebAssembly.Memory, simd: Simd): number[] {
  const engine = instantiate(memory, simd)
  let end = start
  const allocate = (count: number, values?: Float32Array) => {
    const address = end
    end += 16 * Math.ceil(count / 4 + 4)
    if (values) new Float32Array(memory.buffer, address, count).set(values)
    return address
  }
  const random = generator(3)
  const [batch, height, width, channels, filters] = [3, 7, 9, 5, 11]
  const pixels = batch * height * width
  const x = allocate(pixels * channels, random.values([pixels * channels]))
  const w = allocate(9 * channels * filters, random.values([9 * channels * filters]))
  const depth = 9 * channels
  const packed = allocate((depth + 1) * 16)
  const padded = [height + 2, width + 2] as const
  const field = allocate(padded[0] * padded[1] * channels + 8)
  const last = allocate(height * width * filters + 8)
  const y = allocate(pixels * filters)
  const gradient = allocate(9 * channels * filters)
  const normal = allocate(pixels * filters)
  const totals = allocate(4 * filters)
  const [mean, variance, shift, factor, term] = Array.from({ length: 5 }, () =>
    allocate(filters),
  ) as [number, number, number, number, number]
  const ones = allocate(filters, new Float32Array(filters).fill(1))
  const sizes = [batch, height, width, channels, ...padded, 1, 1]
  const rest = [height, width, filters, 3, 3, 1, 1, 1, 1]
  engine.pack(packed, w, depth, filters, filters, 1, 0, depth)
  engine.pack_bias(packed, 0, filters, depth)
  engine.convolve([y, x, packed, field], sizes, [1, 1], rest, [-Infinity, Infinity])
  engine.filter_gradient([gradient, x, y, field, last], sizes, rest)
  engine.batch_norm_shift(shift, totals, y, pixels, filters)
  engine.channel_sums([totals, y, 0, shift], [pixels, filters, 1])
  engine.batch_norm_terms(
    [mean, variance, factor, term, totals, 1],
    [shift, ones, ones, pixels, filters, 1e-5],
  )
  engine.scale([normal, y, 0], [factor, 0, term], [pixels, filters])
  return [y, gradient, normal].flatMap((address) => [
    ...new Float32Array(memory.buffer, address, 9 * channels * filters),
  ])
}

const builds: Simd[] = supported() === 'relaxed' ? ['relaxed', 'plain'] : ['plain']

describe.each(builds)('the %s build', (simd) => {
  const memory = () => new WebAssembly.Memory({ initial: 32, maximum: page })

  test('writes only to its outputs', () => {
    const own = memory()
    new Uint8Array(own.buffer, 0, start).fill(7)
    compute(own, simd)
    expect(new Uint8Array(own.buffer, 0, start).every((byte) => byte === 7)).toBe(true)
  })

  test('gives the same on shared memory', () => {
    const shared = new WebAssembly.Memory({ initial: 32, maximum: page, shared: true })
    expect(compute(shared, simd)).toEqual(compute(memory(), simd))
  })

  test('equals the plain build', () => {
    const expected = compute(memory(), 'plain')
    const got = compute(memory(), simd)
    const worst = Math.max(
      ...expected.map((value, i) => Math.abs(value - got[i]!) / Math.max(1, Math.abs(value))),
    )
    expect(worst).toBeLessThan(1e-5)
  })
})
