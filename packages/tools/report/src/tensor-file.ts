// The layout of https://github.com/huggingface/safetensors: 8 bytes with the header's length, a JSON header, the values.

export interface FileTensor {
  readonly shape: readonly number[]
  readonly values: Float32Array | Int32Array | Uint8Array
}

interface Entry {
  readonly dtype: keyof typeof types
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

const types = { F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const

/** Tensors, and text by name, as the bytes of a safetensors file. */
export function encodeTensors(
  tensors: Readonly<Record<string, FileTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: Record<string, Entry> = {}
  let size = 0
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const dtype =
      values instanceof Float32Array ? 'F32' : values instanceof Int32Array ? 'I32' : 'U8'
    entries[name] = { dtype, shape, data_offsets: [size, size + values.byteLength] }
    size += values.byteLength
  }
  const text = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...entries }))
  // Values begin at a multiple of 8, as readers map them where they lie; spaces may follow the header.
  const length = Math.ceil(text.length / 8) * 8
  const bytes = new Uint8Array(8 + length + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.fill(32, 8, 8 + length).set(text, 8)
  for (const [name, { values }] of Object.entries(tensors))
    bytes.set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      8 + length + entries[name]!.data_offsets[0],
    )
  return bytes
}

/** @throws Error where the bytes are no whole safetensors file */
export function decodeTensors(given: Uint8Array): {
  tensors: Record<string, FileTensor>
  metadata: Record<string, string>
} {
  // A copy of its own: a Buffer's memory may begin anywhere.
  const bytes = new Uint8Array(given)
  const length =
    bytes.length < 8 ? Infinity : Number(new DataView(bytes.buffer).getBigUint64(0, true))
  if (8 + length > bytes.length) throw new Error('the file is cut')
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  ) as { __metadata__?: Record<string, string> } & Record<string, Entry>
  const tensors: Record<string, FileTensor> = {}
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries(entries)) {
    const values = new types[dtype](bytes.slice(8 + length + from, 8 + length + to).buffer)
    if (values.length !== shape.reduce((product, side) => product * side, 1))
      throw new Error(`${name} has ${values.length} values, expected [${shape.join(', ')}]`)
    tensors[name] = { shape, values }
  }
  return { tensors, metadata }
}
