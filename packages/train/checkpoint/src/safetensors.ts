import { createHash } from 'node:crypto'
import type { Checkpoint, HostTensor } from '@tricks/train'

// The layout of https://github.com/huggingface/safetensors: 8 bytes with the header's length, a JSON header, the values.
// What is not a tensor stands in the header's `__metadata__`, which other readers pass over.

const format = 'tricks-checkpoint/1'
const limits = { header: 64 * 2 ** 20, depth: 64 }
const names = { float32: 'F32', int32: 'I32', bool: 'BOOL' } as const
const zeros = '0'.repeat(64)

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/**
 * A checkpoint as the bytes of a safetensors file, with a checksum of all of it inside.
 *
 * @example
 * await train({
 *   ...options,
 *   checkpoint: {
 *     every: { steps: 1 },
 *     save: (checkpoint) => writeFileSync('last.safetensors', encode(checkpoint)),
 *   },
 * })
 */
export function encode({ tensors, ...rest }: Checkpoint): Uint8Array {
  const entries: Record<string, Entry> = {}
  let size = 0
  for (const [name, { dtype, shape, values }] of Object.entries(tensors)) {
    entries[name] = { dtype: names[dtype], shape, data_offsets: [size, size + values.byteLength] }
    size += values.byteLength
  }
  const metadata = { format, sha256: zeros, checkpoint: JSON.stringify(rest) }
  const text = JSON.stringify({ __metadata__: metadata, ...entries })
  // Values begin at a multiple of 8, as readers map them where they lie.
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8))
  const bytes = new Uint8Array(8 + header.length + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true)
  bytes.set(header, 8)
  for (const [name, { values }] of Object.entries(tensors))
    bytes.set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      8 + header.length + entries[name]!.data_offsets[0],
    )
  const at = placeOfChecksum(bytes)
  bytes.set(new TextEncoder().encode(sha256(bytes)), at)
  return bytes
}

/**
 * @throws Error where the bytes are no checkpoint, or not as they were written
 * @example
 * const { step } = decode(readFileSync('last.safetensors'))
 */
export function decode(given: Uint8Array): Checkpoint {
  // A copy of its own: a Buffer's `slice` would share its memory.
  const bytes = new Uint8Array(given)
  const wrong = (why: string): Error => new Error(`checkpoint: not a whole checkpoint: ${why}`)
  if (bytes.length < 8) throw wrong('it is cut')
  const view = new DataView(bytes.buffer)
  const length = Number(view.getBigUint64(0, true))
  if (length > limits.header || 8 + length > bytes.length)
    throw wrong('it is cut, or its header is damaged')

  const at = placeOfChecksum(bytes)
  if (at < 0) throw wrong('it has no checksum')
  const found = new TextDecoder().decode(bytes.subarray(at, at + 64))
  const blank = bytes.slice()
  blank.set(new TextEncoder().encode(zeros), at)
  if (sha256(blank) !== found) throw wrong('its checksum does not fit, so it was altered')

  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length))
  checkDepth(text, wrong)
  const { __metadata__, ...entries } = JSON.parse(text) as {
    __metadata__: Record<string, string>
  } & Record<string, Entry>
  if (__metadata__['format'] !== format)
    throw wrong(`expected ${format}, got ${__metadata__['format']}`)
  const tensors: Record<string, HostTensor> = {}
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    // A copy, as a view would need its place to be a multiple of 4.
    const raw = bytes.slice(8 + length + offsets[0], 8 + length + offsets[1])
    const values =
      dtype === 'F32'
        ? new Float32Array(raw.buffer)
        : dtype === 'I32'
          ? new Int32Array(raw.buffer)
          : raw
    if (values.length !== shape.reduce((product, side) => product * side, 1))
      throw wrong(`${name} has ${values.length} values, expected [${shape.join(', ')}]`)
    tensors[name] = {
      dtype: dtype === 'F32' ? 'float32' : dtype === 'I32' ? 'int32' : 'bool',
      shape,
      values,
    }
  }
  checkDepth(__metadata__['checkpoint']!, wrong)
  return { ...(JSON.parse(__metadata__['checkpoint']!) as Omit<Checkpoint, 'tensors'>), tensors }
}

/** The checksum stands early, behind its name; a file without it has none. */
function placeOfChecksum(bytes: Uint8Array): number {
  const start = new TextDecoder().decode(bytes.subarray(8, 8 + 128))
  const name = '"sha256":"'
  const at = start.indexOf(name)
  return at < 0 ? -1 : 8 + at + name.length
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** JSON nested deeper than any checkpoint is refused before anything walks it. */
function checkDepth(text: string, wrong: (why: string) => Error): void {
  let depth = 0
  for (const character of text) {
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > limits.depth) throw wrong('its header is nested too deeply')
  }
}
