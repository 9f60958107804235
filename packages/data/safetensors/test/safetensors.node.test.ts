import { expect, test } from 'vitest'
import { decodeTensors, encodeTensors, type FileTensor } from '../src/index.ts'

const tensors: Record<string, FileTensor> = {
  odd: { shape: [3], values: Uint8Array.of(1, 2, 3) },
  floats: { shape: [2, 2], values: Float32Array.of(0.5, -1, 3e38, 0) },
  flags: { dtype: 'bool', shape: [2], values: Uint8Array.of(1, 0) },
  whole: { shape: [], values: Int32Array.of(-7) },
  none: { shape: [0, 5], values: new Float32Array() },
}

test.each([
  ['a Uint8Array', (bytes: Uint8Array) => bytes],
  ['a Buffer, which shares a pool', (bytes: Uint8Array) => Buffer.from(bytes)],
  [
    'a view that starts at an odd byte',
    (bytes: Uint8Array) => {
      const larger = new Uint8Array(bytes.length + 3)
      larger.set(bytes, 3)
      return larger.subarray(3)
    },
  ],
])('decodes encoded tensors from %s', (_, given) => {
  const decoded = decodeTensors(given(encodeTensors(tensors, { note: 'äöü' })))
  expect(decoded.metadata).toEqual({ note: 'äöü' })
  expect(Object.keys(decoded.tensors)).toEqual(Object.keys(tensors))
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    expect(decoded.tensors[name]!.shape).toEqual(shape)
    expect(decoded.tensors[name]!.values).toEqual(values)
  }
  expect(decoded.tensors['flags']!.dtype).toBe('bool')
  expect(decoded.tensors['odd']!.dtype).toBe('uint8')
})

test.each<[string, (header: Record<string, unknown>) => unknown, string]>([
  [
    'an offset past the end',
    (h) => ({ ...h, odd: { ...(h['odd'] as object), data_offsets: [0, 1e9], shape: [1e9] } }),
    'odd has 1000000000 bytes',
  ],
  [
    'a size that contradicts the shape',
    (h) => ({ ...h, odd: { ...(h['odd'] as object), shape: [4] } }),
    'odd has 3 bytes, expected 4',
  ],
  [
    'an unknown type',
    (h) => ({ ...h, odd: { ...(h['odd'] as object), dtype: 'F4' } }),
    'odd is not a tensor',
  ],
  [
    'a negative side',
    (h) => ({ ...h, odd: { ...(h['odd'] as object), shape: [-3] } }),
    'odd is not a tensor',
  ],
  [
    'overlapping tensors',
    (h) => ({ ...h, odd: { ...(h['odd'] as object), data_offsets: [1, 4] } }),
    'starts at byte',
  ],
  [
    'bytes that belong to no tensor',
    (h) => Object.fromEntries(Object.entries(h).filter(([name]) => name !== 'floats')),
    'starts at byte',
  ],
  [
    'bytes after the last',
    ({ whole, ...h }) => ({
      ...h,
      none: { ...(whole as object), shape: [0], data_offsets: [21, 21] },
    }),
    '4 extra bytes after the last tensor',
  ],
  ['a list as the header', () => [], 'its header is not an object'],
])('rejects %s', (_, change, message) => {
  const bytes = encodeTensors(tensors)
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    unknown
  >
  const text = new TextEncoder().encode(JSON.stringify(change(header)))
  const changed = new Uint8Array(8 + text.length + bytes.length - 8 - length)
  new DataView(changed.buffer).setBigUint64(0, BigInt(text.length), true)
  changed.set(text, 8)
  changed.set(bytes.subarray(8 + length), 8 + text.length)
  expect(() => decodeTensors(changed)).toThrow(message)
  expect(() => decodeTensors(bytes.subarray(0, 5))).toThrow('truncated')
})

/** A file with one tensor. */
function fileOf(dtype: string, bytes: Uint8Array, count: number): Uint8Array {
  const header = { x: { dtype, shape: [count], data_offsets: [0, bytes.length] } }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const file = new Uint8Array(8 + text.length + bytes.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  file.set(bytes, 8 + text.length)
  return file
}
const bytesOf = ({ buffer }: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(buffer)

test.each([
  // 1, -2, 65504, the smallest normal, the largest and the smallest below it, infinity, −0.
  [
    'F16',
    bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x7c00, 0x8000)),
    [1, -2, 65504, 2 ** -14, 1023 * 2 ** -24, 2 ** -24, Infinity, -0],
  ],
  ['F16', bytesOf(Uint16Array.of(0x7e00)), [NaN]],
  ['BF16', bytesOf(Uint16Array.of(0x3f80, 0xc049, 0xff80)), [1, -3.140625, -Infinity]],
  ['F64', bytesOf(Float64Array.of(0.5, 1e300)), [0.5, Infinity]],
  ['I64', bytesOf(BigInt64Array.of(-5n, 2n ** 31n - 1n)), [-5, 2 ** 31 - 1]],
  ['I16', bytesOf(Int16Array.of(-5, 300)), [-5, 300]],
  ['I8', bytesOf(Int8Array.of(-5)), [-5]],
] as const)('reads %s', (type, bytes, expected) => {
  const { x } = decodeTensors(fileOf(type, bytes, expected.length)).tensors
  expect([...x!.values]).toEqual(expected)
})

test('rejects integers that do not fit into 32 bits', () => {
  const bytes = bytesOf(BigInt64Array.of(2n ** 31n))
  expect(() => decodeTensors(fileOf('I64', bytes, 1))).toThrow('of 32 bits, got 2147483648')
})
