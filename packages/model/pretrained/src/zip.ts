import { Cursor } from './cursor.ts'

/** The largest size of a zip archive's end record: 22 bytes and a comment. */
const longestEnd = 22 + 0xffff

/**
 * The files in a zip archive with uncompressed entries, as written by torch, as views of its bytes. As nothing is
 * decompressed, memory is limited by the archive's size.
 *
 * @throws Error for a compressed entry, one outside the archive, or one with a wrong checksum
 */
export function storedFiles(bytes: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const directory = new Cursor(bytes, endOf(bytes))
  directory.take(10)
  const count = directory.uint16()
  directory.take(4)
  directory.at = directory.uint32()
  let total = 0
  for (let i = 0; i < count; i++) {
    expectSignature(directory, 0x02014b50)
    directory.take(6)
    const method = directory.uint16()
    directory.take(4)
    const checksum = directory.uint32()
    const [stored, size] = [directory.uint32(), directory.uint32()]
    const lengths = [directory.uint16(), directory.uint16(), directory.uint16()] as const
    directory.take(8)
    const at = directory.uint32()
    const name = directory.text(lengths[0])
    directory.take(lengths[1] + lengths[2])
    if (method !== 0 || stored !== size)
      throw new Error(`${name} is compressed; torch.save never compresses`)
    if (files.has(name)) throw new Error(`it has two files named ${name}`)
    total += size
    if (total > bytes.length) throw new Error('its files overlap')
    const content = contentAt(bytes, at, size)
    if (crc32(content) !== checksum) throw new Error(`the checksum of ${name} does not match`)
    files.set(name, content)
  }
  return files
}

/** The start of the archive's end record. */
function endOf(bytes: Uint8Array): number {
  const first = Math.max(0, bytes.length - longestEnd)
  for (let at = bytes.length - 22; at >= first; at--)
    if (bytes[at] === 0x50 && new Cursor(bytes, at).uint32() === 0x06054b50) return at
  throw new Error('it has no directory, so its end is missing')
}

function contentAt(bytes: Uint8Array, at: number, size: number): Uint8Array {
  const header = new Cursor(bytes, at)
  expectSignature(header, 0x04034b50)
  header.take(22)
  const lengths = [header.uint16(), header.uint16()] as const
  header.take(lengths[0] + lengths[1])
  return header.take(size)
}

function expectSignature(cursor: Cursor, signature: number): void {
  if (cursor.uint32() !== signature) throw new Error('its directory is damaged')
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let bits = byte
  for (let i = 0; i < 8; i++) bits = bits & 1 ? (bits >>> 1) ^ 0xedb88320 : bits >>> 1
  return bits
})

function crc32(bytes: Uint8Array): number {
  let bits = 0xffffffff
  for (let i = 0; i < bytes.length; i++) bits = table[(bits ^ bytes[i]!) & 0xff]! ^ (bits >>> 8)
  return ~bits >>> 0
}
