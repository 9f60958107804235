import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterAll, describe, expect, test } from 'vitest'
import { readImageFolder } from '../src/index.ts'
import { bmp, heif, jpegWithRestart, png, pngChunk, tiff } from './pictures.ts'
import { write } from './tree.ts'

const root = mkdtempSync(join(tmpdir(), 'formats-'))
afterAll(() => rmSync(root, { recursive: true }))
let made = 0

/** The first picture of a class `a` as RGB per pixel, or the reason why it was skipped. */
async function read(
  name: string,
  content: Buffer | string,
  size: readonly [number, number] = [4, 4],
): Promise<number[][] | string> {
  const folder = write(join(root, `${made++}`), {
    'a/0.png': true,
    [`a/1${name}`]: content,
    'b/0.png': true,
  })
  const { train, broken } = await readImageFolder(folder, { size, broken: 'skip' })
  if (broken.length > 0) return broken[0]!.reason
  const values = size[0] * size[1] * 3
  const bytes = train.images.subarray(values, 2 * values)
  return Array.from({ length: values / 3 }, (_, i) => [...bytes.subarray(3 * i, 3 * i + 3)])
}

/** A uniform colour, within the tolerance of lossy formats. */
async function expectColour(
  name: string,
  content: Buffer,
  colour: readonly number[],
  within = 0,
): Promise<void> {
  const pixels = await read(name, content)
  expect(pixels, `${name}: ${String(pixels)}`).not.toBeTypeOf('string')
  for (const pixel of pixels as number[][])
    pixel.forEach((value, c) =>
      expect(Math.abs(value - colour[c]!), pixel.join()).toBeLessThanOrEqual(within),
    )
}

const orange = [200, 100, 50] as const
const plain = (): Sharp =>
  sharp({ create: { width: 16, height: 16, channels: 3, background: '#c86432' } })

describe('JPEG', () => {
  test('reads everything that viewers show', async () => {
    const jpeg = await plain().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()
    for (const revision of [0x0000, 0x0102, 0x0901]) {
      const jfif = Buffer.from('\xff\xe0\0\x10JFIF\0\0\0\0\0\x01\0\x01\0\0', 'latin1')
      jfif.writeUInt16BE(revision, 9)
      await expectColour(
        '.jpg',
        Buffer.concat([jpeg.subarray(0, 2), jfif, jpeg.subarray(2)]),
        orange,
        2,
      )
    }

    const baseline = await plain()
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4', mozjpeg: false })
      .toBuffer()
    const scan = baseline.indexOf(Buffer.from([0xff, 0xda]))
    const end = scan + 2 + baseline.readUInt16BE(scan + 2)
    expect([...baseline.subarray(end - 3, end)]).toEqual([0, 63, 0])
    baseline[end - 2] = 0
    await expectColour('.jpg', baseline, orange, 2)

    for (const before of [[], [0], [0, 0, 7, 7]])
      await expectColour('.jpg', jpegWithRestart(before), [128, 128, 128])
  })

  test('reads CMYK, grey and progressive JPEG', async () => {
    await expectColour(
      '.jpg',
      await plain().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
      [199, 94, 21],
      3,
    )
    await expectColour(
      '.jpg',
      await plain().toColourspace('b-w').jpeg().toBuffer(),
      [128, 128, 128],
      2,
    )
    await expectColour(
      '.jpg',
      await plain().jpeg({ progressive: true, quality: 100 }).toBuffer(),
      orange,
      3,
    )
  })
})

describe('skips broken files in any format', () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251))
  const noisy = sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
  const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const
  test.each(formats)('a truncated %s', async (format) => {
    const whole = await noisy.clone().toFormat(format).toBuffer()
    expect(await read(`.${format}`, whole)).not.toBeTypeOf('string')
    for (const part of [0.1, 0.5, 0.95]) {
      const reason = await read(`.${format}`, whole.subarray(0, whole.length * part))
      expect(reason, `${part}`).toBeTypeOf('string')
      expect(reason).toMatch(/^[^\n]{5,200}$/)
      expect(reason).not.toMatch(/image-folder|tmp|seek/)
    }
  })

  test.each([
    ['nothing', '.jpg', '', 'the file is empty'],
    ['text', '.png', 'no picture', 'not a picture: unknown file format'],
    ['a web page', '.jpg', '<!doctype html><svg/>', 'a web page, not a picture'],
    ['a pointer', '.jpg', 'version https://git-lfs.github.com/spec/v1\n', 'run git lfs pull'],
    [
      'a wrong checksum',
      '.png',
      (() => {
        const file = png(4, 4, { type: 0, row: [1, 2, 3, 4] })
        file[file.length - 14]! ^= 1
        return file
      })(),
      /^PNG: /,
    ],
    [
      'too many pixels',
      '.png',
      png(100_000, 100_000, { type: 0, row: [0] }),
      'PNG: it has more than 268 million pixels: scale it down',
    ],
    [
      'a drawing with too many',
      '.svg',
      '<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>',
      'SVG: it has more than 268 million',
    ],
  ])('%s', async (_, name, content, reason) => {
    expect(await read(name, content)).toMatch(reason)
  })

  test.each([
    ['.heic', heif('heic', 'mif1', 'heic'), 'HEIC'],
    ['.jpg', heif('heix', 'mif1'), 'HEIC'],
    ['.HEIF', heif('mif1', 'heic'), 'HEIC'],
    ['.jp2', Buffer.from('\0\0\0\fjP  \r\n\x87\n', 'latin1'), 'JPEG 2000'],
    ['.jxl', Buffer.from('\0\0\0\fJXL \r\n\x87\n', 'latin1'), 'JPEG XL'],
    ['.jxl', Buffer.from('\xff\x0a\0', 'latin1'), 'JPEG XL'],
    ['.psd', Buffer.from('8BPS'), 'Photoshop'],
    ['.ppm', Buffer.from('P6 1 1 255 aaa'), 'Netpbm'],
    ['.dcm', Buffer.alloc(200), 'DICOM'],
    ['.NEF', tiff({ width: 4, height: 4, data: Buffer.alloc(16) }), "a camera's raw format"],
  ])('names the format of %s', async (name, content, format) => {
    expect(await read(name, content)).toBe(`${format} is not supported: convert it to JPEG or PNG`)
  })
})

describe('TIFF', () => {
  const width = 4
  const height = 4
  type Numbers = new (values: number[]) => { buffer: ArrayBuffer }
  const fill = (values: readonly number[], numbers: Numbers = Uint8Array): Buffer =>
    Buffer.from(new numbers(Array.from({ length: 16 }, () => values).flat()).buffer)
  const twice = (values: readonly number[]): Buffer =>
    fill(
      values.map((each) => each * 257),
      Uint16Array,
    )

  test.each<[string, Partial<Parameters<typeof tiff>[0]> & { data: Buffer }, readonly number[]]>([
    ['grey', { data: fill([200]) }, [200, 200, 200]],
    ['grey with white as zero', { photometric: 0, data: fill([200]) }, [55, 55, 55]],
    ['grey of 16 bits', { bits: 16, data: twice([200]) }, [200, 200, 200]],
    ['one bit', { bits: 1, data: Buffer.alloc(4, 0xf0) }, [255, 255, 255]],
    ['RGB', { samples: 3, data: fill(orange) }, orange],
    ['RGB of 16 bits', { samples: 3, bits: 16, data: twice(orange) }, orange],
    [
      'RGB, big-endian, 16 bits',
      { samples: 3, bits: 16, bigEndian: true, data: twice(orange).swap16() },
      orange,
    ],
    [
      'RGB in planes',
      {
        samples: 3,
        planar: true,
        data: Buffer.concat(orange.map((each) => Buffer.alloc(16, each))),
      },
      orange,
    ],
    ['RGB in a BigTIFF', { samples: 3, big: true, data: fill(orange) }, orange],
    [
      'a palette',
      {
        photometric: 3,
        palette: orange.flatMap((each) => Array<number>(256).fill(each * 257)),
        data: fill([9]),
      },
      orange,
    ],
    ['grey and alpha', { samples: 2, extra: [2], data: fill([200, 128]) }, [100, 100, 100]],
    ['RGB and alpha', { samples: 4, extra: [2], data: fill([...orange, 128]) }, [100, 50, 25]],
    [
      'RGB and alpha of 16 bits',
      { samples: 4, bits: 16, extra: [2], data: twice([...orange, 128]) },
      [100, 50, 25],
    ],
    ['RGB times alpha', { samples: 4, extra: [1], data: fill([100, 50, 25, 128]) }, [100, 50, 25]],
    // As in satellites' infrared: not transparency, so it changes nothing.
    [
      'RGB and an undeclared channel',
      { samples: 4, extra: [0], data: fill([...orange, 10]) },
      orange,
    ],
    ['the same without a declaration', { samples: 4, data: fill([...orange, 0]) }, orange],
    [
      'grey and an undeclared channel',
      { samples: 2, extra: [0], data: fill([200, 9]) },
      [200, 200, 200],
    ],
    ['CMYK', { samples: 4, photometric: 5, data: fill([0, 255, 255, 0]) }, [232, 0, 0]],
  ])('%s is read', async (_, options, colour) => {
    await expectColour('.tif', tiff({ width, height, ...options }), colour, 1)
  })

  test.each<[string, Partial<Parameters<typeof tiff>[0]> & { data: Buffer }]>([
    ['8-bit signed integer samples', { format: 2, data: fill([100], Int8Array) }],
    ['16-bit signed integer samples', { bits: 16, format: 2, data: fill([100], Int16Array) }],
    ['32-bit signed integer samples', { bits: 32, format: 2, data: fill([100], Int32Array) }],
    ['32-bit unsigned integer samples', { bits: 32, data: fill([100], Uint32Array) }],
    ['12-bit unsigned integer samples', { bits: 12, data: Buffer.alloc(24) }],
    ['16-bit floating-point samples', { bits: 16, format: 3, data: fill([0x3800], Uint16Array) }],
    ['32-bit floating-point samples', { bits: 32, format: 3, data: fill([0.5], Float32Array) }],
    [
      '32-bit floating-point samples',
      { samples: 3, bits: 32, format: 3, data: fill([0.5, 0.5, 0.5], Float32Array) },
    ],
    ['64-bit floating-point samples', { bits: 64, format: 3, data: fill([0.5], Float64Array) }],
    [
      '64-bit floating-point samples',
      { bits: 64, format: 3, big: true, bigEndian: true, data: fill([0.5], Float64Array) },
    ],
    ['64-bit complex samples', { bits: 64, format: 6, data: fill([0.5, 0], Float32Array) }],
    ['32-bit complex integer samples', { bits: 32, format: 5, data: fill([1, 0], Int16Array) }],
    ['5 channels', { samples: 5, data: fill([1, 2, 3, 4, 5]) }],
    [
      '5 channels',
      { samples: 5, bits: 16, bigEndian: true, data: fill([1, 2, 3, 4, 5], Uint16Array) },
    ],
    ['12 channels', { samples: 12, photometric: 1, data: fill(Array<number>(12).fill(9)) }],
    ['3 channels, declared as grey', { samples: 3, photometric: 1, data: fill(orange) }],
    ['4 channels, declared as grey', { samples: 4, photometric: 1, data: fill([...orange, 9]) }],
    ['L*a*b* colours', { samples: 3, photometric: 8, data: fill(orange) }],
    ['YCbCr colours, without JPEG', { samples: 3, photometric: 6, data: fill(orange) }],
    ["a camera's raw pixels", { bits: 16, photometric: 32_803, data: fill([9], Uint16Array) }],
  ])('%s are rejected', async (what, options) => {
    expect(await read('.tif', tiff({ width, height, ...options }))).toBe(
      `TIFF with ${what}: convert it to 8 or 16 bits of grey or RGB`,
    )
  })

  test('reads JPEG compression, and the first of several pages', async () => {
    await expectColour(
      '.tiff',
      await plain().tiff({ compression: 'jpeg', quality: 100 }).toBuffer(),
      orange,
      3,
    )
    await expectColour(
      '.tiff',
      await plain().resize(600, 600).tiff({ tile: true, pyramid: true }).toBuffer(),
      orange,
    )
  })
})

describe('BMP', () => {
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
    [0, 0, 0],
    [128, 64, 32],
    [16, 200, 240],
  ] as const
  const [width, height] = [5, 3]
  const indexOf = (x: number, y: number, count: number): number => (x + 2 * y) % count
  const padded = (bytes: readonly number[]): Buffer =>
    Buffer.from([...bytes, ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0)])
  const rowsOf = (row: (y: number) => readonly number[]): Buffer[] =>
    Array.from({ length: height }, (_, y) => padded(row(y)))
  const line = (y: number, count = 7): number[] =>
    Array.from({ length: width }, (_, x) => indexOf(x, y, count))

  /** Packs indices into bytes, the first into the high bits. */
  const packed = (bits: number, count = 7): Buffer[] =>
    rowsOf((y) => {
      const bytes = Array<number>(Math.ceil((width * bits) / 8)).fill(0)
      line(y, count).forEach((index, x) => {
        bytes[Math.floor((x * bits) / 8)]! |= index << (8 - bits - ((x * bits) % 8))
      })
      return bytes
    })
  const triples = rowsOf((y) => line(y).flatMap((index) => colours[index]!.toReversed()))
  /** Packs colours according to masks. */
  const masked = (bytes: number, masks: readonly number[]): Buffer[] =>
    rowsOf((y) =>
      line(y).flatMap((index) => {
        let word = 0
        masks.forEach((mask, c) => {
          const shift = 31 - Math.clz32(mask & -mask)
          word |= Math.round(((colours[index]![c] ?? 255) / 255) * (mask >>> shift)) << shift
        })
        return Array.from({ length: bytes }, (_, i) => (word >>> (8 * i)) & 255)
      }),
    )
  const runs = (nibbles: boolean): Buffer[] =>
    Array.from({ length: height }, (_, y) =>
      Buffer.from([
        ...line(y).flatMap((index) => [1, nibbles ? index << 4 : index]),
        0,
        y === 0 ? 1 : 0,
      ]),
    )
  const full = Array.from({ length: 256 }, (_, i) => colours[i % 7]!)
  const m555 = [0x7c00, 0x3e0, 0x1f]
  const m565 = [0xf800, 0x7e0, 0x1f]
  const m888 = [0xff0000, 0xff00, 0xff]
  const mRgba = [0xff, 0xff00, 0xff0000, 0xff000000]

  test.each<[string, Omit<Parameters<typeof bmp>[0], 'width' | 'height'>, number?]>([
    ['1 bit', { bits: 1, palette: colours.slice(0, 2), rows: packed(1, 2) }],
    [
      '1 bit, from the top',
      { bits: 1, palette: colours.slice(0, 2), topDown: true, rows: packed(1, 2) },
    ],
    ['4 bits', { bits: 4, palette: full.slice(0, 16), rows: packed(4) }],
    ['4 bits, fewer colours', { bits: 4, palette: colours, rows: packed(4) }],
    ['4 bits, in runs', { bits: 4, compression: 2, palette: full.slice(0, 16), rows: runs(true) }],
    ['8 bits', { bits: 8, palette: full, rows: packed(8) }],
    ['8 bits, from the top', { bits: 8, palette: colours, topDown: true, rows: packed(8) }],
    ['8 bits, in runs', { bits: 8, compression: 1, palette: full, rows: runs(false) }],
    ['16 bits', { bits: 16, rows: masked(2, m555) }, 4],
    [
      '16 bits, six of them green',
      { bits: 16, compression: 3, masks: m565, rows: masked(2, m565) },
      4,
    ],
    [
      '16 bits with a colour space',
      { bits: 16, header: 108, compression: 3, masks: m565, rows: masked(2, m565) },
      4,
    ],
    ['24 bits', { bits: 24, rows: triples }],
    ['24 bits, from the top', { bits: 24, topDown: true, rows: triples }],
    ['24 bits of OS/2', { bits: 24, header: 12, rows: triples }],
    ['24 bits with a colour space', { bits: 24, header: 124, rows: triples }],
    ['32 bits, the last byte 0', { bits: 32, rows: masked(4, m888) }],
    ['32 bits by masks', { bits: 32, compression: 3, masks: m888, rows: masked(4, m888) }],
    [
      '32 bits with alpha',
      { bits: 32, header: 124, compression: 3, masks: mRgba, rows: masked(4, mRgba) },
    ],
    // Many programs leave alpha 0, and viewers show the colours.
    [
      '32 bits with alpha 0',
      {
        bits: 32,
        header: 124,
        compression: 3,
        masks: [...m888, 0xff000000],
        rows: masked(4, m888),
      },
    ],
  ])('%s', async (name, options, within = 0) => {
    const file = bmp({ width, height, ...options })
    const pixels = await read('.bmp', file, [height, width])
    const count = name.startsWith('1 bit') ? 2 : 7
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        colours[indexOf(x, y, count)]!.forEach((value, c) =>
          expect(
            Math.abs(value - (pixels[y * width + x] as number[])[c]!),
            `${x}, ${y}`,
          ).toBeLessThanOrEqual(within),
        )
    if (options.compression !== 1 && options.compression !== 2)
      expect(await read('.bmp', file.subarray(0, -1), [height, width])).toBe('BMP: it is truncated')
  })

  test('16-bit white is white', async () => {
    for (const masks of [m555, m565, [0xf00, 0xf0, 0xf]]) {
      const rows = Array.from({ length: 4 }, () => Buffer.alloc(8))
      for (const row of rows)
        for (let x = 0; x < 4; x++) row.writeUInt16LE(masks[0]! | masks[1]! | masks[2]!, 2 * x)
      await expectColour(
        '.bmp',
        bmp({ width: 4, height: 4, bits: 16, compression: 3, masks, rows }),
        [255, 255, 255],
      )
    }
  })

  test('rejects impossible sizes before allocating memory', async () => {
    const [rows, palette] = [[Buffer.alloc(16)], [colours[0]]]
    const huge = { width: 1_000_000, height: 1_000_000, rows }
    expect(await read('.bmp', bmp({ ...huge, bits: 24 }))).toBe('BMP: it is truncated')
    expect(await read('.bmp', bmp({ ...huge, bits: 8, compression: 1, palette }))).toMatch(
      'BMP: it has 1000000 × 1000000 pixels, more than 67108864: scale it down',
    )
    expect(await read('.bmp', bmp({ ...huge, width: 0, bits: 24 }))).toMatch('0 × 1000000 pixels')
  })

  test('a text that begins with BM is not a BMP', async () => {
    expect(await read('.txt', 'BM, short for bitmap, is a format')).toBe('not a picture')
  })
})

describe('PNG, GIF, WebP, AVIF, SVG', () => {
  const row = (...pixel: number[]): number[] => Array.from({ length: 4 }, () => pixel).flat()
  test.each<[string, Parameters<typeof png>[2], readonly number[]]>([
    ['1 bit', { bits: 1, type: 0, row: [0xf0] }, [255, 255, 255]],
    ['2 bits', { bits: 2, type: 0, row: [0xaa] }, [170, 170, 170]],
    ['4 bits', { bits: 4, type: 0, row: [0x88, 0x88] }, [136, 136, 136]],
    ['grey of 16 bits', { bits: 16, type: 0, row: row(200, 200) }, [200, 200, 200]],
    ['RGB of 16 bits', { bits: 16, type: 2, row: row(200, 200, 100, 100, 50, 50) }, orange],
    ['grey and alpha', { type: 4, row: row(200, 128) }, [100, 100, 100]],
    [
      'grey and alpha of 16 bits',
      { bits: 16, type: 4, row: row(200, 200, 128, 128) },
      [100, 100, 100],
    ],
    [
      'RGBA of 16 bits',
      { bits: 16, type: 6, row: row(200, 200, 100, 100, 50, 50, 128, 128) },
      [100, 50, 25],
    ],
    [
      'a palette',
      { type: 3, row: row(1), chunks: [pngChunk('PLTE', Buffer.from([0, 0, 0, ...orange]))] },
      orange,
    ],
    [
      'a palette with alpha',
      {
        type: 3,
        row: row(1),
        chunks: [
          pngChunk('PLTE', Buffer.from([0, 0, 0, ...orange])),
          pngChunk('tRNS', Buffer.from([255, 128])),
        ],
      },
      [100, 50, 25],
    ],
    [
      'a transparent colour',
      {
        type: 2,
        row: row(...orange),
        chunks: [pngChunk('tRNS', Buffer.from([0, 200, 0, 100, 0, 50]))],
      },
      [0, 0, 0],
    ],
  ])('%s', async (_, options, colour) => {
    await expectColour('.png', png(4, 4, options), colour)
  })

  test.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)(
    '%s by all eight orientations',
    async (format) => {
      const [r, g, b, w] = [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [255, 255, 255],
      ]
      const corners = sharp(Buffer.from([r, g, b, w].flat()), {
        raw: { width: 2, height: 2, channels: 3 },
      }).resize(32, 32, { kernel: 'nearest' })
      const upright = ['rgbw', 'grwb', 'wbgr', 'bwrg', 'rbgw', 'brwg', 'wgbr', 'gwrb']
      for (const [i, expected] of upright.entries()) {
        const file = await corners
          .clone()
          .withMetadata({ orientation: i + 1 })
          .toFormat(format, { quality: 100, chromaSubsampling: '4:4:4' })
          .toBuffer()
        const pixels = (await read(`.${format}`, file, [2, 2])) as number[][]
        const names = pixels.map(([red, green, blue]) =>
          red! > 180 && green! > 180
            ? 'w'
            : red! > green! && red! > blue!
              ? 'r'
              : green! > blue!
                ? 'g'
                : 'b',
        )
        expect(names.join(''), `${i + 1}`).toBe(expected)
      }
    },
  )

  test.each(['gif', 'webp'] as const)('the first frame of an animated %s', async (format) => {
    const frames = Buffer.concat([Buffer.from(row(...orange)), Buffer.from(row(0, 0, 255))])
    const file = await sharp(frames, { raw: { width: 2, height: 4, channels: 3, pageHeight: 2 } })
      .toFormat(format, { lossless: true, delay: [100, 100] })
      .toBuffer()
    expect((await sharp(file).metadata()).pages).toBe(2)
    await expectColour(`.${format}`, file, orange, 1)
  })

  test('AVIF with 8, 10 and 12 bits, an SVG, and wrong file extensions', async () => {
    for (const bitdepth of [8, 10, 12] as const)
      await expectColour(
        '.avif',
        await plain().avif({ lossless: true, bitdepth }).toBuffer(),
        orange,
        1,
      )
    const xmlns = 'xmlns="http://www.w3.org/2000/svg"'
    const svg = `<svg ${xmlns} width="9" height="9"><rect width="9" height="9" fill="#c86432"/></svg>`
    const comment = `<!-- ${'made by hand '.repeat(40)}-->`
    const type = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">'
    for (const before of [
      '',
      '\ufeff \n',
      '<?xml version="1.0"?>\n',
      `<?xml version="1.0"?>${comment}`,
      type,
    ])
      await expectColour('.svg', Buffer.from(before + svg), orange)
    const file = png(4, 4, { type: 2, row: row(...orange) })
    for (const name of ['.jpg', '.JPG', '.txt', '', ' é ü\n.jpeg', '.tar.gz'])
      await expectColour(name, file, orange)
    await expectColour('.png', await plain().webp({ lossless: true }).toBuffer(), orange)
    await expectColour(
      '.jpg',
      bmp({
        width: 4,
        height: 4,
        bits: 24,
        rows: Array.from({ length: 4 }, () => Buffer.from(row(...orange.toReversed()))),
      }),
      orange,
    )
  })
})

test('re-reads a changed file', async () => {
  const folder = write(join(root, `${made++}`), {
    'a/0.png': png(4, 4, { type: 0, row: [9, 9, 9, 9] }),
    'b/0.png': true,
  })
  const first = async (): Promise<number> =>
    (await readImageFolder(folder, { size: 4 })).train.images.subarray(0, 1)[0]!
  expect(await first()).toBe(9)
  writeFileSync(join(folder, 'a/0.png'), png(4, 4, { type: 0, row: [7, 7, 7, 7] }))
  expect(await first()).toBe(7)
})
