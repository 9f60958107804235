import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readTorchFile } from '../src/bytes.ts'
import expected from './fixtures/files.json' with { type: 'json' }

const read = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, 'fixtures', name))

test.each(['zip.pt', 'legacy.pt', 'checkpoint.pt'])('reads %s: views, strides, types', (name) => {
  const tensors = readTorchFile(read(name))
  expect(Object.keys(tensors)).toEqual(Object.keys(expected))
  for (const [key, { shape, values }] of Object.entries(expected)) {
    expect(tensors[key]!.shape).toEqual(shape)
    expect(
      [...tensors[key]!.values].map((value) => Math.fround(value)),
      key,
    ).toEqual((values as number[]).map(Math.fround))
  }
  const dtypes = Object.entries(tensors).map(([key, { dtype }]) => [key, dtype])
  expect(Object.fromEntries(dtypes)).toMatchObject({
    'conv.weight': 'float32',
    half: 'float32',
    bfloat: 'float32',
    double: 'float32',
    'bn.num_batches_tracked': 'int32',
    bytes: 'uint8',
    flags: 'bool',
  })
})

test.each(['system-2.pt', 'system-4.pt', 'system-legacy-2.pt', 'system-legacy-4.pt'])(
  'rejects %s, which calls os.system, naming the call',
  (name) => {
    expect(() => readTorchFile(read(name))).toThrow(
      'pretrained: expected a PyTorch file, but it names posix.system, which is neither a tensor nor a collection',
    )
  },
)

/** A pickle from numbers and text, one byte per character. */
const bytes = (...parts: (string | readonly number[])[]): number[] =>
  parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : part))
const head = bytes(
  '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.',
  '\x80\x02M\xe9\x03.',
  '\x80\x02}.',
)
const text = (value: string): number[] => bytes('X', [value.length, 0, 0, 0], value)
const int64 = (value: number): number[] => [
  ...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer),
]
const floats = (count: number, key = '0'): number[] =>
  bytes(
    '(',
    text('storage'),
    'ctorch\nFloatStorage\n',
    text(key),
    text('cpu'),
    'J',
    int32(count),
    'tQ',
  )
const int32 = (value: number): number[] => [...new Uint8Array(Int32Array.of(value).buffer)]
const list = (values: readonly number[]): number[] =>
  bytes(
    '(',
    values.flatMap((value) => bytes('J', int32(value))),
    't',
  )

interface Described {
  readonly count?: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly offset?: number
}

/** A file in the format before 1.6 with one tensor on a storage of 4 zeros. */
function fileOf({ count = 4, shape, strides, offset = 0 }: Described): Uint8Array {
  const tensor = bytes(
    'ctorch._utils\n_rebuild_tensor_v2\n(',
    floats(count),
    'J',
    int32(offset),
    list(shape),
    list(strides),
    '\x89}tR',
  )
  const state = bytes('\x80\x02}', text('weight'), tensor, 's.')
  const keys = bytes('\x80\x02](', text('0'), 'e.')
  return Uint8Array.from([...head, ...state, ...keys, ...int64(4), ...Array<number>(16).fill(0)])
}

test('reads a tensor from a storage', () => {
  const { weight } = readTorchFile(fileOf({ shape: [2, 2], strides: [2, 1] }))
  expect(weight).toEqual({ dtype: 'float32', shape: [2, 2], values: new Float32Array(4) })
})

const large = 2 ** 31 - 1
test.each<[string, Described, RegExp]>([
  [
    'more rows than there are',
    { shape: [3, 2], strides: [2, 1] },
    /\[3, 2\] is larger than its st/,
  ],
  ['a start past the end', { shape: [2], strides: [1], offset: 3 }, /is larger than its storage/],
  [
    'one number repeated to fill the memory',
    { shape: [large], strides: [0] },
    /is larger than its/,
  ],
  [
    'sides whose product overflows',
    { shape: [large, large, large], strides: [0, 0, 0] },
    /is larger/,
  ],
  [
    'a negative stride',
    { shape: [2], strides: [-1], offset: 1 },
    /description of a tensor is invalid/,
  ],
  ['a negative side', { shape: [-2], strides: [1] }, /description of a tensor is invalid/],
  [
    'strides of another rank',
    { shape: [2, 2], strides: [1] },
    /description of a tensor is invalid/,
  ],
  [
    'a storage larger than the file',
    { count: large, shape: [4], strides: [1] },
    /no tensor refers to its storage 0/,
  ],
])('rejects a tensor with %s', (_, described, message) => {
  expect(() => readTorchFile(fileOf(described))).toThrow(message)
})

test.each<[string, number[], RegExp]>([
  ['an unknown global', bytes('cnumpy\nndarray\n.'), /names numpy\.ndarray, which is neither/],
  ['an instance', bytes('(ios\nsystem\n.'), /names os\.system/],
  ['a call of a storage type', bytes('ctorch\nFloatStorage\n)R.'), /names torch\.FloatStorage/],
  ['a name with line feeds', bytes('\x8c\x03a\nb\x8c\x01c\x93.'), /names a\\nb\.c/],
  ['a class that is constructed', bytes('ccollections\nOrderedDict\n)\x81.'), /operation 0x81/],
  ['text longer than the file', bytes('X\xff\xff\xff\x7f'), /but more were announced/],
  ['a memo that was never written', bytes('h\x05.'), /reads memo 5/],
  ['an empty stack', bytes('.'), /stack is empty/],
  ['a missing mark', bytes('t.'), /a mark is missing/],
  ['attributes of a number', bytes('K\x01}b.'), /sets attributes/],
  ['a number as a state dict', bytes('K\x01.'), /holds no tensors/],
  ['a list within itself', bytes('}', text('a'), ']q\x00h\x00as', '.'), /too many dictionaries/],
])('rejects %s', (_, state, message) => {
  const file = Uint8Array.from([...head, ...bytes('\x80\x02'), ...state, ...bytes('\x80\x02].')])
  expect(() => readTorchFile(file)).toThrow(message)
})

test('dictionaries that refer to each other many times are rejected quickly', () => {
  // Twenty levels of ten references each would be 10²⁰ entries.
  const level = (i: number): number[] =>
    bytes(
      '}',
      [0x71, i + 1],
      '(',
      Array.from({ length: 10 }, (_, k) => bytes(text(`${k}`), 'h', [i])).flat(),
      'u',
    )
  const nested = bytes('}q\x00', ...Array.from({ length: 12 }, (_, i) => level(i)), '.')
  const file = Uint8Array.from([...head, ...bytes('\x80\x02'), ...nested, ...bytes('\x80\x02].')])
  expect(() => readTorchFile(file)).toThrow('too many')
})

test("many tensors on one storage take at most a few times the file's size", () => {
  const count = 50_000
  const tensor = (name: string, storage: number[]): number[] =>
    bytes(
      text(name),
      'ctorch._utils\n_rebuild_tensor_v2\n(',
      storage,
      'K\x00',
      list([count / 2, 2]),
      list([1, 0].toReversed()),
      '\x89}tR',
    )
  const first = bytes('}(', tensor('0', bytes(floats(count), 'q\x01')))
  const rest = Array.from({ length: 200 }, (_, i) => tensor(String(i + 1), bytes('h\x01'))).flat()
  const keys = bytes('\x80\x02](', text('0'), 'e.')
  const file = [...head, ...bytes('\x80\x02'), ...first, ...rest, ...bytes('u.'), ...keys]
  const whole = new Uint8Array(file.length + 8 + 4 * count)
  whole.set(file)
  whole.set(int64(count), file.length)
  expect(() => readTorchFile(whole)).toThrow(
    /its tensors would take \d+ bytes, but the file has only \d+/,
  )
})

test('rejects compressed archives, of any size', () => {
  expect(() => readTorchFile(read('compressed.pt'))).toThrow('data.pkl is compressed')
})

test('rejects files without tensors', () => {
  expect(() => readTorchFile(new Uint8Array())).toThrow('pretrained: expected a PyTorch file, but')
  expect(() => readTorchFile(Buffer.from('<!DOCTYPE html>'))).toThrow(
    'but operation 0x3c is not used',
  )
  expect(() => readTorchFile(Buffer.from('cos\nsystem\n(S"true"\ntR.'))).toThrow('names os.system')
})
