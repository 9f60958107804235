import { readAsset } from './asset.ts'
import { decode, startDecoder } from './decoder.ts'
import type { Cifar10, ImageSet } from './image-set.ts'

export { readCifar10, readCifar100 } from './binary.ts'
export { downloadCifar, type DownloadOptions } from './download.ts'
export type { Cifar10, ImageSet } from './image-set.ts'

export const cifar10Classes: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
]

/** The mean of the 50,000 included training images, per channel, in [0, 1]. */
export const cifar10Mean: readonly [number, number, number] = [0.49125, 0.48209, 0.44652]
export const cifar10Deviation: readonly [number, number, number] = [0.24523, 0.24278, 0.26063]

const [count, trainCount, height, width, channels] = [60_000, 50_000, 32, 32, 3]
const pixels = height * width
const sha256 = 'a2df5cc991fd974f1842ef11e799223aa628fb4e0be73edc23b5609d05067723'

/**
 * Loads CIFAR-10 from the file included in the package: no network, about a second.
 *
 * The images are a public JPEG re-encoding (4:2:0, about 29.5 dB PSNR against the originals; same split and labels), so
 * compare results only with others on these images.
 *
 * @param options.onProgress called occasionally with the number of images decoded and the total
 * @param options.signal stops loading
 * @param options.file where a bundler or a page keeps `cifar10.bin`; by default beside the package's sources
 * @throws Error if the file is missing or damaged; the signal's reason if aborted
 * @example
 * const { train, test } = await loadCifar10()
 * train.images.length // 50,000 × 32 × 32 × 3
 * @see Krizhevsky 2009, "Learning multiple layers of features from tiny images"
 */
export async function loadCifar10({
  onProgress,
  signal,
  file: url = new URL('../src/cifar10.bin', import.meta.url),
}: {
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
  readonly file?: URL
} = {}): Promise<Cifar10> {
  signal?.throwIfAborted()
  const file = await readAsset(url)
  await check(file, url)
  const labels = file.subarray(headerLength, headerLength + count)
  const images = new Uint8Array(count * pixels * channels)
  let done = 0
  for (const jpeg of jpegsOf(file)) {
    if (done === 0) await startDecoder(jpeg)
    const { data } = await decode(jpeg)
    withoutAlpha(data, images.subarray(done * pixels * channels))
    if (++done % 1000 === 0) {
      onProgress?.(done, count)
      // A macrotask, so that timers and the page can run.
      await new Promise((resolve) => setTimeout(resolve))
      signal?.throwIfAborted()
    }
  }
  const part = (from: number, to: number): ImageSet => ({
    images: images.subarray(from * pixels * channels, to * pixels * channels),
    labels: labels.slice(from, to),
    height,
    width,
    channels,
    classes: cifar10Classes,
  })
  return { train: part(0, trainCount), test: part(trainCount, count) }
}

/**
 * Every image was encoded with the same tables, so the file contains the part before the scan once; then per image a
 * label, the length of its scan (16 bits, little-endian), and the scan.
 */
const headerLength = 623

function* jpegsOf(file: Uint8Array): Generator<ArrayBuffer> {
  const header = file.subarray(0, headerLength)
  const lengths = new DataView(file.buffer, file.byteOffset + headerLength + count, 2 * count)
  let from = headerLength + 3 * count
  for (let i = 0; i < count; i++) {
    const length = lengths.getUint16(2 * i, true)
    const jpeg = new Uint8Array(headerLength + length)
    jpeg.set(header)
    jpeg.set(file.subarray(from, from + length), headerLength)
    from += length
    yield jpeg.buffer
  }
}

function withoutAlpha(rgba: Uint8ClampedArray, rgb: Uint8Array): void {
  for (let i = 0; i < pixels; i++) {
    rgb[3 * i] = rgba[4 * i]!
    rgb[3 * i + 1] = rgba[4 * i + 1]!
    rgb[3 * i + 2] = rgba[4 * i + 2]!
  }
}

async function check(file: Uint8Array<ArrayBuffer>, { href }: URL): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file))
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (found !== sha256)
    throw new Error(
      `cifar10: ${href} is damaged (sha256 ${found}, expected ${sha256}): install the package again`,
    )
}
