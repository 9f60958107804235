import { extname } from 'node:path'

/** The first bytes of picture files: readable formats, and others that are common in picture folders. */
const signatures: readonly [format: string, at: number, text: string][] = [
  ['JPEG', 0, '\xff\xd8\xff'],
  ['PNG', 0, '\x89PNG\r\n\x1a\n'],
  ['GIF', 0, 'GIF8'],
  ['WebP', 8, 'WEBP'],
  ['TIFF', 0, 'II*\0'],
  ['TIFF', 0, 'MM\0*'],
  ['TIFF', 0, 'II+\0'],
  ['TIFF', 0, 'MM\0+'],
  ['JPEG 2000', 4, 'jP  \r\n\x87\n'],
  ['JPEG 2000', 0, '\xff\x4f\xff\x51'],
  ['JPEG XL', 4, 'JXL \r\n\x87\n'],
  ['Photoshop', 0, '8BPS'],
  ['OpenEXR', 0, 'v/1\x01'],
  ['DirectDraw', 0, 'DDS '],
  ['DICOM', 128, 'DICM'],
]

/** By file extension, for formats that their content doesn't identify: most raw files of cameras begin like a TIFF. */
const foreign: Readonly<Record<string, string>> = {
  HEIC: 'heic heif hif',
  'JPEG 2000': 'jp2 j2k j2c jpf jpx jpm',
  'JPEG XL': 'jxl',
  Photoshop: 'psd psb',
  OpenEXR: 'exr',
  DirectDraw: 'dds',
  ICO: 'ico cur',
  Targa: 'tga',
  Netpbm: 'ppm pgm pbm pnm pam pfm',
  PCX: 'pcx',
  Radiance: 'hdr',
  GIMP: 'xcf',
  DICOM: 'dcm dicom',
  'compressed SVG': 'svgz',
  "a camera's raw format":
    'dng cr2 cr3 crw nef nrw arw srf sr2 orf rw2 raf pef srw x3f 3fr erf kdc mrw dcr rwl iiq',
}
const readable = 'jpg jpeg jpe jfif pjpeg pjp png apng webp gif tif tiff avif avifs bmp dib svg'
const supported = new Set(['JPEG', 'PNG', 'GIF', 'WebP', 'TIFF', 'AVIF', 'BMP', 'SVG'])
const foreignOf = new Map(
  Object.entries(foreign).flatMap(([format, ends]) => ends.split(' ').map((end) => [end, format])),
)
const extensions = new Set([...readable.split(' '), ...foreignOf.keys()])

const extensionOf = (file: string): string => extname(file).slice(1).toLowerCase()

/** Number of bytes that identify the format. */
export const headLength = 1024

export const hasPictureName = (file: string): boolean => extensions.has(extensionOf(file))

/** Detects the format from the first bytes, regardless of the file's name; undefined if it is not a picture. */
export function formatOf(head: Buffer): string | undefined {
  const text = head.toString('latin1', 0, headLength)
  const known = signatures.find(([, at, signature]) => text.startsWith(signature, at))
  if (known) return known[0]
  if (text.startsWith('ftyp', 4)) return formatOfBrands(text.slice(8, head.readUInt32BE(0)))
  // Many texts begin with these two letters, so the header length must be valid too.
  const header = head.length >= 18 ? head.readUInt32LE(14) : 0
  if (text.startsWith('BM') && [12, 40, 52, 56, 64, 108, 124].includes(header)) return 'BMP'
  return !isPage(text) && /^(?:\xef\xbb\xbf)?\s*(?:<[^s].*?)?<(?:!DOCTYPE )?svg[\s>]/s.test(text)
    ? 'SVG'
    : undefined
}

const isPage = (text: string): boolean => /^\s*<(?:!doctype html|html|head)/i.test(text)

/** HEIC and AVIF share a container format, also used for video; the brands distinguish them. */
function formatOfBrands(brands: string): string | undefined {
  if (/avi[fs]/.test(brands)) return 'AVIF'
  return /hei[cxms]|hev[cxms]|mif1|msf1/.test(brands) ? 'HEIC' : undefined
}

/**
 * Returns the format of a readable picture.
 *
 * @throws Error saying what the file is if it is not readable
 */
export function readableFormat(file: string, bytes: Buffer): string {
  if (bytes.length === 0) throw new Error('the file is empty')
  const named = foreignOf.get(extensionOf(file))
  const found = formatOf(bytes)
  const format = found === undefined || found === 'TIFF' ? (named ?? found) : found
  if (format === undefined) throw new Error(contentOf(bytes))
  if (supported.has(format)) return format
  throw new Error(`${format} is not supported: convert it to JPEG or PNG`)
}

/** Describes the content of a file that is named like a picture but isn't one. */
function contentOf(bytes: Buffer): string {
  const text = bytes.toString('latin1', 0, headLength)
  if (text.startsWith('version https://git-lfs'))
    return 'a Git LFS pointer, not the picture itself: run git lfs pull'
  if (isPage(text)) return 'a web page, not a picture'
  return 'not a picture: unknown file format'
}
