/** Tags of a TIFF's first image. */
const tag = { bits: 258, compression: 259, photometric: 262, samples: 277, extra: 338, format: 339 }

/** Supported photometric interpretations, and their channels. */
const colours: Readonly<Record<number, readonly [name: string, channels: number]>> = {
  0: ['grey', 1],
  1: ['grey', 1],
  2: ['RGB', 3],
  3: ['a palette', 1],
  5: ['CMYK', 4],
  6: ['YCbCr', 3],
}
const others: Readonly<Record<number, string>> = {
  4: 'a mask',
  8: 'L*a*b* colours',
  9: 'L*a*b* colours',
  10: 'L*a*b* colours',
  32803: "a camera's raw pixels",
  34892: "a camera's raw pixels",
}
const sampleFormats: Readonly<Record<number, string>> = {
  2: 'signed integer',
  3: 'floating-point',
  5: 'complex integer',
  6: 'complex',
}

/**
 * Whether a TIFF's last channel is not declared as transparency, such as a satellite's infrared.
 *
 * @throws Error describing the samples, unless they are unsigned with up to 8 or with 16 bits, in one to four channels
 *   of grey, RGB or CMYK
 */
export function hasUndeclaredChannel(bytes: Buffer): boolean {
  const tags = tagsOf(bytes)
  const samples = tags.get(tag.samples)?.[0] ?? 1
  const bits = [...new Set(tags.get(tag.bits) ?? [1])].slice(0, 4)
  const formats = [...new Set(tags.get(tag.format) ?? [1])]
  const refuse = (what: string): never => {
    throw new Error(`TIFF with ${what}: convert it to 8 or 16 bits of grey or RGB`)
  }
  const odd = formats.find((each) => sampleFormats[each] !== undefined)
  if (odd !== undefined) refuse(`${bits.join('/')}-bit ${sampleFormats[odd]} samples`)
  if (bits.length !== 1 || ![1, 2, 4, 8, 16].includes(bits[0]!))
    refuse(`${bits.join('/')}-bit unsigned integer samples`)
  if (samples > 4) refuse(`${samples} channels`)
  const photometric = tags.get(tag.photometric)?.[0] ?? 1
  const coloured = colours[photometric]
  if (coloured === undefined)
    return refuse(others[photometric] ?? `photometric interpretation ${photometric}`)
  // libtiff converts it to RGB only if it decodes JPEG.
  if (photometric === 6 && tags.get(tag.compression)?.[0] !== 7)
    refuse('YCbCr colours, without JPEG')
  const [name, channels] = coloured
  const extra = samples - channels
  if (extra < 0 || extra > 1) refuse(`${samples} channels, declared as ${name}`)
  const declared = tags.get(tag.extra)?.[0] ?? 0
  return extra === 1 && declared !== 1 && declared !== 2
}

/** The tags of a TIFF's first directory, in either byte order, with 32 or 64 bits; empty if damaged. */
function tagsOf(bytes: Buffer): Map<number, number[]> {
  const little = bytes[0] === 0x49
  const read = (at: number, length: number): number => {
    if (length === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
    return little ? bytes.readUIntLE(at, length) : bytes.readUIntBE(at, length)
  }
  const tags = new Map<number, number[]>()
  try {
    const word = read(2, 2) === 43 ? 8 : 4
    const directory = read(word === 8 ? 8 : 4, word)
    const first = directory + (word === 8 ? 8 : 2)
    const entries = read(directory, word === 8 ? 8 : 2)
    for (let at = first; at < first + entries * (4 + 2 * word); at += 4 + 2 * word) {
      const size = { 3: 2, 4: 4 }[read(at + 2, 2)]
      if (size === undefined) continue
      const count = read(at + 4, word)
      const offset = at + 4 + word
      const values = count * size <= word ? offset : read(offset, word)
      // The relevant tags have one number per channel; a hundred suffice to see that there are too many.
      const length = Math.min(count, 100)
      tags.set(
        read(at, 2),
        Array.from({ length }, (_, i) => read(values + i * size, size)),
      )
    }
  } catch (error) {
    // Past the end of the file: libtiff will report the problem.
    if (!(error instanceof RangeError)) throw error
  }
  return tags
}
