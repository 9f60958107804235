// The layout of https://github.com/huggingface/safetensors: 8 bytes with the header's length, a JSON header, the
// values.
import { parseJson } from './json.ts'
import { type FileDtype, type NumberType, numberTypes, valuesOf } from './numbers.ts'

export type { FileDtype }

export interface FileTensor {
  /** By default the dtype of the array: uint8 for a `Uint8Array`. */
  readonly dtype?: FileDtype
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array | Uint8Array
}

const longestHeader = 64 * 2 ** 20

const typeOf = ({ dtype, values }: FileTensor): NumberType =>
  values instanceof Float32Array
    ? 'F32'
    : values instanceof Int32Array
      ? 'I32'
      : dtype === 'bool'
        ? 'BOOL'
        : 'U8'

/**
 * Encodes tensors and named text as a safetensors file.
 *
 * @example
 * const bytes = encodeTensors({ logits: { values: new Float32Array(20), shape: [2, 10] } }, { kind: 'test' })
 * const { tensors, metadata } = decodeTensors(bytes)
 */
export function encodeTensors(
  tensors: Readonly<Record<string, FileTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  let size = 0
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    const from = size
    size += tensor.values.byteLength
    return [
      name,
      { dtype: typeOf(tensor), shape: tensor.shape, data_offsets: [from, size] },
    ] as const
  })
  const text = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) })
  // Values start at a multiple of 8, so that readers can map them in place; the header may be padded with spaces.
  const unpadded = new TextEncoder().encode(text)
  const length = Math.ceil(unpadded.length / 8) * 8
  const bytes = new Uint8Array(8 + length + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.fill(32, 8, 8 + length).set(unpadded, 8)
  for (const [name, { data_offsets: offsets }] of entries) {
    const { buffer, byteOffset, byteLength } = tensors[name]!.values
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), 8 + length + offsets[0])
  }
  return bytes
}

/**
 * Decodes an untrusted safetensors file: lengths and offsets are checked before anything is allocated, and values that
 * overlap, or bytes between or after them, are an error. Float16, bfloat16 and float64 become float32, integers
 * int32.
 *
 * @throws Error if the bytes are not a complete safetensors file
 * @example
 * const { tensors } = decodeTensors(encodeTensors({ labels: { values: new Int32Array(2), shape: [2] } }))
 */
export function decodeTensors(bytes: Uint8Array): {
  readonly tensors: Readonly<Record<string, FileTensor & { readonly dtype: FileDtype }>>
  readonly metadata: Readonly<Record<string, unknown>>
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true))
  if (length > longestHeader || 8 + length > bytes.length)
    throw new Error('it is truncated or its header is damaged')
  const header = parseJson(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  if (!isObject(header)) throw new Error('its header is not an object')
  const { __metadata__: metadata = {}, ...entries } = header
  if (!isObject(metadata)) throw new Error('its metadata is not an object')
  const values = bytes.subarray(8 + length)
  const found = Object.entries(entries).map(([name, entry]) => checked(name, entry, values.length))
  let end = 0
  for (const { name, from, to } of found.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end)
      throw new Error(
        `${name} starts at byte ${from}, expected ${end}, where the previous tensor ends`,
      )
    end = to
  }
  if (end !== values.length)
    throw new Error(`it has ${values.length - end} extra bytes after the last tensor`)
  const tensors = found.map(({ name, type, shape, from, to }) => {
    const { dtype } = numberTypes[type]
    return [name, { dtype, shape, values: valuesOf(type, values.subarray(from, to)) }] as const
  })
  return { tensors: Object.fromEntries(tensors), metadata }
}

interface Entry {
  readonly name: string
  readonly type: NumberType
  readonly shape: readonly number[]
  readonly from: number
  readonly to: number
}

/** @param size of all values, in bytes */
function checked(name: string, entry: unknown, size: number): Entry {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {}
  const counts = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((each) => Number.isSafeInteger(each) && each >= 0)
  if (!isType(dtype) || !counts(shape) || !counts(offsets) || offsets.length !== 2)
    throw new Error(`${name} is not a tensor of a supported type`)
  const [from, to] = offsets as [number, number]
  const expected = shape.reduce((product, side) => product * side, numberTypes[dtype].size)
  if (to - from !== expected || to > size)
    throw new Error(
      `${name} has ${to - from} bytes, expected ${expected}, as its shape is [${shape.join(', ')}]`,
    )
  return { name, type: dtype, shape, from, to }
}

const isType = (name: unknown): name is NumberType =>
  typeof name === 'string' && Object.hasOwn(numberTypes, name)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
