import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Color } from 'sharp'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { readImageFolder, readPicture, readPictures } from '../src/index.ts'

const root = mkdtempSync(join(tmpdir(), 'pictures-'))
afterAll(() => rmSync(root, { recursive: true }))
let folder: string
let made = 0

/** Single-coloured pictures in mixed formats and sizes. */
async function paint(into: string, name: string, count: number, color: Color): Promise<void> {
  mkdirSync(join(into, name), { recursive: true })
  const formats = ['jpeg', 'png', 'webp'] as const
  for (let i = 0; i < count; i++) {
    const format = formats[i % 3]!
    const picture = sharp({
      create: { width: 20 + 7 * (i % 5), height: 30 - 3 * (i % 4), channels: 3, background: color },
    })
    await picture.toFormat(format).toFile(join(into, name, `${i}.${format}`))
  }
}

beforeEach(async () => {
  folder = join(root, `${made++}`)
  await paint(folder, 'red', 12, { r: 220, g: 30, b: 30 })
  await paint(folder, 'blue', 9, { r: 30, g: 30, b: 220 })
})

test('reads mixed sizes and formats into one set, classes in sorted order', async () => {
  const seen: number[] = []
  const {
    train,
    test: held,
    broken,
  } = await readImageFolder(folder, {
    size: [8, 10],
    onProgress: (done) => seen.push(done),
  })
  expect(train).toMatchObject({ height: 8, width: 10, channels: 3, classes: ['blue', 'red'] })
  expect(train.labels).toEqual([...Array(9).fill(0), ...Array(12).fill(1)])
  expect(train.images.length).toBe(21 * 8 * 10 * 3)
  expect(held).toBeUndefined()
  expect(broken).toEqual([])
  expect(seen.at(-1)).toBe(21)
  for (let i = 0; i < 21; i++) {
    const [r, , b] = train.images.subarray(i * 240, i * 240 + 3)
    expect(r! > b!, `picture ${i}`).toBe(train.labels[i] === 1)
  }
})

test('pixels kept in a file are identical', async () => {
  const inMemory = await readImageFolder(folder, { size: 8, keep: 'memory' })
  const inFile = await readImageFolder(folder, { size: 8, keep: 'file' })
  expect(inFile.train.images).not.toBeInstanceOf(Uint8Array)
  const { length } = inMemory.train.images
  expect(inFile.train.images.length).toBe(length)
  expect(inFile.train.images.subarray(100, length)).toEqual(
    inMemory.train.images.subarray(100, length),
  )
})

test('also keeps larger training pictures, in memory or in a file', async () => {
  await paint(join(folder, 'sets', 'train'), 'red', 3, 'red')
  await paint(join(folder, 'sets', 'train'), 'blue', 4, 'blue')
  await paint(join(folder, 'sets', 'test'), 'red', 1, 'red')
  await paint(join(folder, 'sets', 'test'), 'blue', 1, 'blue')
  const sets = join(folder, 'sets')
  const small = await readImageFolder(sets, { size: 8 })
  const large = await readImageFolder(sets, { size: 12 })
  for (const keep of ['memory', 'file'] as const) {
    const { train, test: held } = await readImageFolder(sets, { size: 8, larger: 12, keep })
    expect(train).toMatchObject({ height: 8, width: 8, larger: { height: 12, width: 12 } })
    const all = (of: typeof train.images): unknown => of.subarray(0, of.length)
    expect(all(train.images)).toEqual(all(small.train.images))
    expect(all(train.larger!.images)).toEqual(all(large.train.images))
    expect(held!.larger).toBeUndefined()
  }
  await expect(readImageFolder(sets, { size: 8, larger: [8, 7] })).rejects.toThrow(
    'image-folder: expected larger to be at least the size, 8 × 8, got [8,7]',
  )
  await expect(readImageFolder(sets, { size: 8, larger: 8.5 })).rejects.toThrow(
    'image-folder: expected larger to be a positive integer or two, got 8.5',
  )
})

test('reads many pictures in order, prefetches a few, and continues after a broken one', async () => {
  writeFileSync(join(folder, 'broken.jpg'), 'no picture')
  const names = Array.from({ length: 30 }, (_, i) =>
    join('red', `${i % 12}.${['jpeg', 'png', 'webp'][i % 3]!}`),
  )
  const files = [...names, 'broken.jpg', join('blue', '0.jpeg')].map((name) => join(folder, name))
  const read: (Uint8Array | string)[] = []
  for await (const pixels of readPictures(files, 9, 7)) read.push(pixels)
  expect(read).toEqual(await Promise.all(files.map((file) => readPicture(file, 9, 7))))
  expect(read[30]).toMatch(/^not a picture/)
  const [r, , b] = read[31] as Uint8Array
  expect(b).toBeGreaterThan(r!)
  for await (const pixels of readPictures(files, 9, 7)) {
    expect(pixels).toEqual(read[0])
    break
  }
})

test('stops between two pictures', async () => {
  const stop = new AbortController()
  const onProgress = (done: number): void => {
    if (done === 5) stop.abort(new Error('enough'))
  }
  const reading = readImageFolder(folder, { size: 8, signal: stop.signal, onProgress })
  await expect(reading).rejects.toThrow('enough')
})

test('converts alpha, grey and rotated pictures to upright RGB', async () => {
  // Left half red, right half blue, stored rotated with an EXIF orientation tag.
  const pixels = Buffer.from([255, 0, 0, 0, 0, 255])
  const side = await sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } })
    .resize(40, 20, { kernel: 'nearest' })
    .rotate(-90)
    .withMetadata({ orientation: 6 })
    .png()
    .toBuffer()
  mkdirSync(join(folder, 'zebra'))
  writeFileSync(join(folder, 'zebra', 'a.png'), side)
  const clear = sharp({
    create: { width: 9, height: 9, channels: 4, background: { r: 255, g: 255, b: 255, alpha: 0 } },
  })
  await clear.png().toFile(join(folder, 'zebra', 'b.png'))
  const grey = sharp({
    create: { width: 9, height: 9, channels: 3, background: '#808080' },
  }).toColourspace('b-w')
  await grey.png().toFile(join(folder, 'zebra', 'c.png'))
  const { train } = await readImageFolder(folder, { size: [2, 4] })
  const image = (i: number): number[] => [...train.images.subarray((21 + i) * 24, (22 + i) * 24)]
  expect(image(0).slice(0, 3)).toEqual([255, 0, 0])
  expect(image(0).slice(9, 12)).toEqual([0, 0, 255])
  expect(image(1)).toEqual(Array(24).fill(0))
  expect(image(2)).toEqual(Array(24).fill(128))
})

test('reads the sets train and test', async () => {
  const split = join(root, `${made++}`)
  await paint(join(split, 'train'), 'a', 4, { r: 1, g: 1, b: 1 })
  await paint(join(split, 'train'), 'b', 4, { r: 1, g: 1, b: 1 })
  await paint(join(split, 'test'), 'a', 2, { r: 1, g: 1, b: 1 })
  await expect(readImageFolder(split, { size: 4 })).rejects.toThrow("got only 'a'")
  await paint(join(split, 'test'), 'c', 2, { r: 1, g: 1, b: 1 })
  await expect(readImageFolder(split, { size: 4 })).rejects.toThrow(
    'expected test to have the classes of train: a, b',
  )
  rmSync(join(split, 'test', 'c'), { recursive: true })
  await paint(join(split, 'test'), 'b', 2, { r: 1, g: 1, b: 1 })
  const { train, test: held } = await readImageFolder(split, { size: 4 })
  expect([train.labels, held!.labels]).toEqual([
    [0, 0, 0, 0, 1, 1, 1, 1],
    [0, 0, 1, 1],
  ])
})

test('finds pictures in subfolders and behind links; a dangling link is a broken file', async () => {
  const links = join(root, `${made++}`)
  mkdirSync(join(links, 'red', 'deep'), { recursive: true })
  symlinkSync(join(folder, 'blue'), join(links, 'blue'))
  symlinkSync(join(folder, 'red', '0.jpeg'), join(links, 'red', 'deep', 'link.jpeg'))
  symlinkSync(join(folder, 'gone.png'), join(links, 'red', 'gone.png'))
  const { train, broken } = await readImageFolder(links, { size: 4, broken: 'skip' })
  expect(train.labels).toEqual([...Array(9).fill(0), 1])
  expect(broken.map(({ file }) => file)).toEqual([join(links, 'red', 'gone.png')])
})

test('train is a class if it contains pictures, and only validation and test may be sets beside it', async () => {
  await paint(folder, 'train', 3, '#00ff00')
  const { train } = await readImageFolder(folder, { size: 4 })
  expect(train.classes).toEqual(['blue', 'red', 'train'])

  const split = join(root, `${made++}`)
  for (const set of ['train', 'val'])
    for (const name of ['a', 'b']) await paint(join(split, set), name, 1, '#00ff00')
  const { validation } = await readImageFolder(split, { size: 4 })
  expect(validation).toMatchObject({ labels: [0, 1], classes: ['a', 'b'] })
  await paint(split, 'extra', 1, '#00ff00')
  await expect(readImageFolder(split, { size: 4 })).rejects.toThrow(
    "expected only validation and test beside train, each with a folder per class, got 'extra'",
  )
})

test('reports errors', async () => {
  await expect(readImageFolder(join(root, 'nowhere'), { size: 8 })).rejects.toThrow(
    "nowhere can't be read",
  )
  await expect(readImageFolder(join(folder, 'red'), { size: 8 })).rejects.toThrow(
    'at least two folders, one per class, got none',
  )
  await expect(readImageFolder(folder, { size: 0.5 })).rejects.toThrow(
    'image-folder: expected size to be a positive integer or two, got 0.5',
  )
  for (const size of [null, '8', [8], [8, '8'], {}])
    await expect(readImageFolder(folder, { size: size as number })).rejects.toThrow(
      'image-folder: expected size to be a positive integer or two, got',
    )
  await expect(readImageFolder(folder, { size: 8, broken: 'skp' as 'skip' })).rejects.toThrow(
    'expected broken to be throw or skip, got skp',
  )
  mkdirSync(join(folder, 'green'))
  await expect(readImageFolder(folder, { size: 8 })).rejects.toThrow("the class 'green' in")
  rmSync(join(folder, 'green'), { recursive: true })

  writeFileSync(join(folder, 'red', 'broken.jpg'), 'no picture')
  await expect(readImageFolder(folder, { size: 8 })).rejects.toThrow(
    /broken\.jpg can't be read \(.+\): remove it, or pass broken: 'skip'/,
  )
  const { train, broken } = await readImageFolder(folder, { size: 8, broken: 'skip' })
  expect(train.labels).toHaveLength(21)
  expect(broken.map(({ file }) => file)).toEqual([join(folder, 'red', 'broken.jpg')])

  mkdirSync(join(folder, 'violet'))
  const picture = await sharp({
    create: { width: 90, height: 90, channels: 3, background: 'pink' },
  })
    .jpeg()
    .toBuffer()
  writeFileSync(join(folder, 'violet', 'half.jpg'), picture.subarray(0, picture.length - 100))
  await expect(readImageFolder(folder, { size: 8, broken: 'skip' })).rejects.toThrow(
    "none of the 1 files of the class 'violet' in",
  )

  const stop = new AbortController()
  stop.abort()
  await expect(readImageFolder(folder, { size: 8, signal: stop.signal })).rejects.toThrow('aborted')
})
