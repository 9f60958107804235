import { createHash } from 'node:crypto'
import type { Checkpoint, HostTensor } from '@tricks/train'
import { decodeTensors, encodeTensors, parseJson } from '@tricks/safetensors'

const format = 'tricks-checkpoint/2'
const zeros = '0'.repeat(64)

/**
 * Encodes a checkpoint as a safetensors file that contains a checksum of the whole file. Everything other than tensors
 * is text in the file's metadata, which other readers ignore.
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
  const bytes = encodeTensors(tensors, {
    format,
    sha256: zeros,
    checkpoint: JSON.stringify(rest),
  })
  bytes.set(new TextEncoder().encode(sha256(bytes)), offsetOfChecksum(bytes))
  return bytes
}

/**
 * Decodes a checkpoint.
 *
 * @throws Error if the bytes are not a checkpoint, or were altered
 * @example
 * const { step } = decode(readFileSync('last.safetensors'))
 */
export function decode(bytes: Uint8Array): Checkpoint {
  const wrong = (why: string): Error => new Error(`checkpoint: not a whole checkpoint: ${why}`)
  if (bytes.length < 8) throw wrong('it is truncated')
  const at = offsetOfChecksum(bytes)
  if (at < 0) throw wrong('it has no checksum')
  const found = new TextDecoder().decode(bytes.subarray(at, at + 64))
  const blank = Uint8Array.from(bytes)
  blank.set(new TextEncoder().encode(zeros), at)
  if (sha256(blank) !== found) throw wrong('its checksum does not match, so it is damaged')
  try {
    return read(bytes)
  } catch (error) {
    throw wrong((error as Error).message)
  }
}

/** A file with a valid checksum may still not be a checkpoint, if somebody else wrote it. */
function read(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeTensors(bytes)
  if (metadata['format'] !== format)
    throw new Error(`expected ${format}, got ${JSON.stringify(metadata['format'] ?? 'no format')}`)
  const rest = parseJson(String(metadata['checkpoint']))
  if (typeof rest !== 'object' || rest === null || Array.isArray(rest))
    throw new Error('it contains no run')
  for (const [name, { dtype }] of Object.entries(tensors))
    if (dtype === 'uint8') throw new Error(`${name} has dtype uint8, which variables never have`)
  return {
    ...(rest as Omit<Checkpoint, 'tensors'>),
    tensors: tensors as Readonly<Record<string, HostTensor>>,
  }
}

/** The offset of the checksum, which follows its name near the start of the file; negative if there is none. */
function offsetOfChecksum(bytes: Uint8Array): number {
  const start = new TextDecoder('latin1').decode(bytes.subarray(8, 8 + 128))
  const name = '"sha256":"'
  const at = start.indexOf(name)
  return at < 0 ? -1 : 8 + at + name.length
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
