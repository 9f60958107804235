import { expect, test } from 'vitest'
import { decodeTensors, encodeTensors, type FileTensor } from '../src/files/safetensors.ts'

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
    'a view that begins at an odd byte',
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
    (h) => ({ ...h, odd: { ...(h['odd'] as object), dtype: 'F16' } }),
    'odd is not a tensor',
  ],
  [
    'a negative side',
    (h) => ({ ...h, odd: { ...(h['odd'] as object), shape: [-3] } }),
    'odd is not a tensor',
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
