import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type Cifar10,
  cifar10Classes,
  cifar10Deviation,
  cifar10Mean,
  type ImageSet,
  loadCifar10,
  readCifar10,
} from '../src/index.ts'

let data: Cifar10
let progress: [number, number][]
const folder = mkdtempSync(join(tmpdir(), 'cifar10-'))

beforeAll(async () => {
  progress = []
  data = await loadCifar10({ onProgress: (...each) => progress.push(each) })
  writeOfficial(folder, data)
})
afterAll(() => rmSync(folder, { recursive: true }))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Writes the official layout, 10,000 images per file: a label, then the planes, per record. */
function writeOfficial(into: string, { train, test: held }: Cifar10): void {
  const file = ({ images, labels }: ImageSet, from: number): Uint8Array => {
    const bytes = new Uint8Array(10_000 * 3073)
    for (let i = 0; i < 10_000; i++) {
      bytes[i * 3073] = labels[from + i]!
      for (let p = 0; p < 1024; p++)
        for (let c = 0; c < 3; c++)
          bytes[i * 3073 + 1 + c * 1024 + p] = images[((from + i) * 1024 + p) * 3 + c]!
    }
    return bytes
  }
  for (let i = 0; i < 5; i++)
    writeFileSync(join(into, `data_batch_${i + 1}.bin`), file(train, i * 10_000))
  writeFileSync(join(into, 'test_batch.bin'), file(held, 0))
  writeFileSync(join(into, 'batches.meta.txt'), `${cifar10Classes.join('\n')}\n`)
}

test("the pixels equal those of Pillow's decoder (libjpeg-turbo)", () => {
  // sha256 of the official layout written by Pillow 12 from the same JPEG files.
  const expected = [
    ['data_batch_1.bin', '58385bbb3ed4848a117daba15e8ba56bdfa21eb18b4217d479c49e004a272746'],
    ['data_batch_2.bin', '845a56662d6a96711b77a437b8e768698273e3427a0da8fc7c02c97a6ef37372'],
    ['data_batch_3.bin', '8c127081e34074ab0f806bfabbab13d8d066d686af462af9b50e1461e02f906c'],
    ['data_batch_4.bin', '74cfe9d2ed790e3683cabe4b5f9c79812f970d4bef0ac7c9ffb502f9bcce3d39'],
    ['data_batch_5.bin', '789e0159b22b674689bae97a942640f3839431862382fcacf2ed8387636fe552'],
    ['test_batch.bin', '04f678140f6c19922ac2cd6173508c3ff0dcb7f932804c755f677b00c33bd949'],
  ]
  expect(expected.map(([name]) => [name, sha256(readFileSync(join(folder, name!)))])).toEqual(
    expected,
  )
})

test('50,000 and 10,000 images, balanced across classes', () => {
  for (const { labels, images, classes } of [data.train, data.test]) {
    expect(images.length).toBe(labels.length * 32 * 32 * 3)
    const counts = classes.map((_, label) => labels.filter((each) => each === label).length)
    expect(new Set(counts)).toEqual(new Set([labels.length / 10]))
  }
  expect([data.train.labels.length, data.test.labels.length]).toEqual([50_000, 10_000])
})

test('mean and deviation are those of the training images', () => {
  const { images } = data.train
  for (const channel of [0, 1, 2]) {
    let sum = 0
    let squares = 0
    for (let i = channel; i < images.length; i += 3) {
      sum += images[i]! / 255
      squares += (images[i]! / 255) ** 2
    }
    const mean = sum / (images.length / 3)
    expect(cifar10Mean[channel]).toBeCloseTo(mean, 5)
    expect(cifar10Deviation[channel]).toBeCloseTo(
      Math.sqrt(squares / (images.length / 3) - mean ** 2),
      4,
    )
  }
})

test('reports progress, and stops on abort', async () => {
  expect(progress[0]).toEqual([1000, 60_000])
  expect(progress.at(-1)).toEqual([60_000, 60_000])
  const stop = new AbortController()
  const loading = loadCifar10({ signal: stop.signal, onProgress: () => stop.abort() })
  await expect(loading).rejects.toThrow('aborted')
  const never = vi.fn<() => void>()
  const late = loadCifar10({ signal: AbortSignal.abort(new Error('enough')), onProgress: never })
  await expect(late).rejects.toThrow('enough')
  expect(never).not.toHaveBeenCalled()
})

test('reports damaged, truncated and missing files', async () => {
  const file = pathToFileURL(join(folder, 'copy.bin'))
  const bytes = readFileSync(new URL('../src/cifar10.bin', import.meta.url))
  bytes[9_000_000]! ^= 1
  writeFileSync(file, bytes)
  await expect(loadCifar10({ file })).rejects.toThrow(
    /^cifar10: file:.*copy\.bin is damaged \(sha256 [0-9a-f]{64}, expected a2df.*install the package again/,
  )
  bytes[9_000_000]! ^= 1
  writeFileSync(file, bytes.subarray(0, 1000))
  await expect(loadCifar10({ file })).rejects.toThrow('copy.bin is damaged')
  rmSync(file)
  await expect(loadCifar10({ file })).rejects.toThrow(
    /^cifar10: file:.*copy\.bin can't be read: ENOENT/,
  )
})

test('leaves no globals', () => {
  expect(globalThis).not.toHaveProperty('ImageData')
})

test('an existing ImageData is neither used nor lost, and concurrent loads work', () => {
  // In a separate process, as the decoder starts once per process.
  const source = new URL('../src/index.ts', import.meta.url).href
  const program = `
    import { createHash } from 'node:crypto'
    class Own { constructor() { throw new Error('used') } }
    globalThis.ImageData = Own
    const { loadCifar10 } = await import('${source}')
    const both = await Promise.all([loadCifar10(), loadCifar10()])
    const digest = ({ test }) => createHash('sha256').update(test.images).digest('hex')
    console.log(...both.map(digest), globalThis.ImageData === Own)`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program])
  const expected = sha256(data.test.images)
  expect(output.toString().trim()).toBe(`${expected} ${expected} true`)
})

test('the official layout reads back identically', async () => {
  const read = await readCifar10(folder)
  expect(sha256(read.train.images)).toBe(sha256(data.train.images))
  expect(sha256(read.test.images)).toBe(sha256(data.test.images))
  expect(sha256(read.train.labels)).toBe(sha256(data.train.labels))
  expect(read.test.classes).toEqual(cifar10Classes)
})

test('reports a wrong folder, a truncated file and an invalid label', async () => {
  await expect(readCifar10(join(folder, 'nowhere'))).rejects.toThrow(
    /nowhere.*can't be read; expected the official/,
  )
  const batch = join(folder, 'data_batch_3.bin')
  const bytes = readFileSync(batch)
  bytes[3073 * 7] = 10
  writeFileSync(batch, bytes)
  await expect(readCifar10(folder)).rejects.toThrow(
    'data_batch_3.bin: expected labels in [0, 10), got 10 in record 7',
  )
  truncateSync(batch, 1000)
  await expect(readCifar10(folder)).rejects.toThrow(
    'expected data_batch_3.bin to have 30730000 bytes, got 1000',
  )
})
