import { createHash } from 'node:crypto'
import type { Checkpoint, HostTensor } from '@tricks/train'
import { parseJson } from './json.ts'

// The layout of https://github.com/huggingface/safetensors: 8 bytes with the header's length, a JSON header, the values.
// What is not a tensor stands in the header's `__metadata__`, which other readers pass over.

const format = 'tricks-checkpoint/2'
const longestHeader = 64 * 2 ** 20
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
  if (length > longestHeader || 8 + length > bytes.length)
    throw wrong('it is cut, or its header is damaged')

  const at = placeOfChecksum(bytes)
  if (at < 0) throw wrong('it has no checksum')
  const found = new TextDecoder().decode(bytes.subarray(at, at + 64))
  const blank = bytes.slice()
  blank.set(new TextEncoder().encode(zeros), at)
  if (sha256(blank) !== found) throw wrong('its checksum does not fit, so it was altered')

  try {
    return read(bytes, length)
  } catch (error) {
    throw wrong((error as Error).message)
  }
}

const dtypes: Readonly<Record<string, HostTensor['dtype']>> = {
  F32: 'float32',
  I32: 'int32',
  BOOL: 'bool',
}

/** What is whole may still be no checkpoint: somebody else's file, with a checksum that fits. */
function read(bytes: Uint8Array, length: number): Checkpoint {
  const header = parseJson(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  if (!isObject(header)) throw new Error('its header is no object')
  const { __metadata__: metadata, ...entries } = header
  if (!isObject(metadata) || metadata['format'] !== format)
    throw new Error(
      `expected ${format}, got ${isObject(metadata) ? String(metadata['format']) : 'none'}`,
    )
  const tensors = Object.entries(entries).map(
    ([name, entry]) => [name, tensorOf(name, entry, bytes.subarray(8 + length))] as const,
  )
  const rest = parseJson(String(metadata['checkpoint']))
  if (!isObject(rest)) throw new Error('it holds no run')
  return {
    ...(rest as unknown as Omit<Checkpoint, 'tensors'>),
    tensors: Object.fromEntries(tensors),
  }
}

function tensorOf(name: string, entry: unknown, values: Uint8Array): HostTensor {
  const { dtype, shape, data_offsets: offsets } = (isObject(entry) ? entry : {}) as Partial<Entry>
  const known = Object.hasOwn(dtypes, String(dtype)) ? dtypes[String(dtype)] : undefined
  const whole = (list: unknown): boolean =>
    Array.isArray(list) && list.every((each) => Number.isSafeInteger(each) && each >= 0)
  if (known === undefined || !whole(shape) || !whole(offsets) || offsets!.length !== 2)
    throw new Error(`${name} is no tensor`)
  const [from, to] = offsets!
  const size = shape!.reduce((product, side) => product * side, 1)
  const bytes = size * (known === 'bool' ? 1 : 4)
  if (to - from !== bytes || to > values.length)
    throw new Error(
      `${name} has ${to - from} bytes, expected ${bytes}, as it is [${shape!.join(', ')}]`,
    )
  // A copy, as a view would need its place to be a multiple of 4.
  const raw = values.slice(from, to)
  const made = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[known]
  return { dtype: known, shape: shape!, values: new made(raw.buffer) }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The checksum stands early, behind its name; a file without it has none. */
function placeOfChecksum(bytes: Uint8Array): number {
  const start = new TextDecoder().decode(bytes.subarray(8, 8 + 128))
  const name = '"sha256":"'
  const at = start.indexOf(name)
  return at < 0 ? -1 : 8 + at + name.length
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
