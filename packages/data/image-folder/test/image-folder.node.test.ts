import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import sharp, { type Color } from 'sharp'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { readImageFolder } from '../src/index.ts'

const root = mkdtempSync(join(tmpdir(), 'pictures-'))
afterAll(() => rmSync(root, { recursive: true }))
let folder: string
let made = 0

/** Pictures of one colour each, of mixed formats and sizes. */
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

test('in a file the pixels are the same', async () => {
  const inMemory = await readImageFolder(folder, { size: 8, keep: 'memory' })
  const inFile = await readImageFolder(folder, { size: 8, keep: 'file' })
  expect(inFile.train.images).not.toBeInstanceOf(Uint8Array)
  const { length } = inMemory.train.images
  expect(inFile.train.images.length).toBe(length)
  expect(inFile.train.images.subarray(100, length)).toEqual(
    inMemory.train.images.subarray(100, length),
  )
})

test('alpha, grey and turned pictures come out RGB and upright', async () => {
  // Left half red, right half blue; stored on its side, with the EXIF mark that says so.
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

test('train and test above the classes', async () => {
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

test('pictures in deeper folders and behind links are found; a link to nowhere is a broken file', async () => {
  const links = join(root, `${made++}`)
  mkdirSync(join(links, 'red', 'deep'), { recursive: true })
  symlinkSync(join(folder, 'blue'), join(links, 'blue'))
  symlinkSync(join(folder, 'red', '0.jpeg'), join(links, 'red', 'deep', 'link.jpeg'))
  symlinkSync(join(folder, 'gone.png'), join(links, 'red', 'gone.png'))
  const { train, broken } = await readImageFolder(links, { size: 4, broken: 'skip' })
  expect(train.labels).toEqual([...Array(9).fill(0), 1])
  expect(broken.map(({ file }) => file)).toEqual([join(links, 'red', 'gone.png')])
})

test('train is a class where it holds pictures, and only validation and test may stand beside it as sets', async () => {
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

test('what is wrong is said', async () => {
  await expect(readImageFolder(join(root, 'nowhere'), { size: 8 })).rejects.toThrow(
    "nowhere can't be read",
  )
  await expect(readImageFolder(join(folder, 'red'), { size: 8 })).rejects.toThrow(
    'a folder a class, two at least, got none',
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

function start(...args: string[]): {
  child: ChildProcess
  ended: Promise<{ code: number | null; output: string }>
} {
  const cli = join(import.meta.dirname, '../src/cli.ts')
  const child = spawn(process.execPath, [
    '--conditions=@tricks/source',
    '--no-warnings',
    cli,
    ...args,
  ])
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, output })),
  )
  return { child, ended }
}

test('one command trains on the folder and saves a model', async () => {
  const out = join(root, `${made++}`)
  writeFileSync(join(folder, 'red', 'broken.jpg'), 'no picture')
  const flags = ['--size', '16', '--epochs', '6', '--batch', '4', '--out', out]
  const refused = await start(folder, ...flags).ended
  expect(refused.output).toMatch(
    /broken\.jpg can't be read \(.+\): remove it, or pass --skip-broken/,
  )
  expect(refused.code).toBe(1)

  const { output, code } = await start(folder, ...flags, '--skip-broken').ended
  expect(output).toContain('21 pictures of 2 classes (blue, red)')
  expect(output).toMatch(/left out .*broken\.jpg: /)
  expect(output).toMatch(/epoch 6\/6: loss \d\.\d+, 100\.0 % of the validation pictures right/)
  expect(code).toBe(0)
  expect(JSON.parse(readFileSync(join(out, 'classes.json'), 'utf8'))).toEqual(['blue', 'red'])
  for (const file of ['model.json', 'weights.bin'])
    expect(existsSync(join(out, file)), file).toBe(true)

  // What the saved model gives is what the command says that it gives.
  expect(output).toMatch(/gives each class's probability/)
  await tf.setBackend('cpu')
  const model = await loadLayersModel({ load: () => Promise.resolve(artifactsIn(out)) })
  const image = tf.tile(tf.tensor4d([220 / 255, 30 / 255, 30 / 255], [1, 1, 1, 3]), [1, 16, 16, 1])
  const [blue, red] = await (model.predict(image) as tf.Tensor).data()
  expect(blue! + red!).toBeCloseTo(1, 5)
  expect(red).toBeGreaterThan(0.5)
})

function artifactsIn(saved: string): tf.io.ModelArtifacts {
  const { modelTopology, weightsManifest } = JSON.parse(
    readFileSync(join(saved, 'model.json'), 'utf8'),
  ) as tf.io.ModelJSON
  const weights = readFileSync(join(saved, 'weights.bin'))
  return {
    modelTopology,
    weightSpecs: weightsManifest[0]!.weights,
    weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length),
  }
}

test('the command uses a validation set, and sums up what it leaves out', async () => {
  const [out, sets] = [join(root, `${made++}`), join(root, `${made++}`)]
  for (const [set, count] of [
    ['Training', 6],
    ['Valid', 3],
    ['TEST', 2],
  ] as const)
    for (const [name, color] of [
      ['red', '#dc1e1e'],
      ['blue', '#1e1edc'],
    ] as const)
      await paint(join(sets, set), name, count, color)
  for (let i = 0; i < 8; i++) writeFileSync(join(sets, 'Training', 'red', `note ${i}.txt`), '')
  const { output, code } = await start(
    sets,
    '--size',
    '16',
    '--epochs',
    '2',
    '--batch',
    '4',
    '--out',
    out,
  ).ended
  expect(output).toContain('12 pictures of 2 classes (blue, red)')
  expect(output.match(/^left out .*note \d\.txt: not a picture$/gm)).toHaveLength(5)
  expect(output).toContain('\nand 3 more; in all 8 × not a picture\n')
  expect(output).toMatch(/epoch 2\/2: .* % of the validation pictures right/)
  expect(output).toMatch(/% of the test pictures are right/)
  expect(code).toBe(0)
})

test('interrupted, the command saves what was learnt and exits with 130', async () => {
  const out = join(root, `${made++}`)
  const { child, ended } = start(folder, '--size', '16', '--epochs', '100000', '--out', out)
  child.stdout!.on('data', (text) => String(text).includes('epoch 1/') && child.kill('SIGINT'))
  const { output, code } = await ended
  expect(output).toMatch(/Stopped after \d+ steps/)
  expect(code).toBe(130)
  expect(existsSync(join(out, 'model.json'))).toBe(true)
})

test.each([
  [['nowhere'], 1, "nowhere can't be read"],
  [['nowhere', '--sise', '9'], 2, 'Unknown option `--sise`'],
  [['nowhere', '--size', '4'], 2, '--size: expected a whole number from 8, got 4'],
  [[], 2, 'missing required args'],
  [['--help'], 0, '--skip-broken'],
])('%j exits with %d and says why', async (args, expected, message) => {
  const { output, code } = await start(...args, '--out', join(root, 'unused')).ended
  expect(output).toContain(message)
  expect(code).toBe(expected)
})
