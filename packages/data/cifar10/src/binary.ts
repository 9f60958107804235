import type { Cifar10, ImageSet } from './image-set.ts'

const [side, pixels] = [32, 32 * 32]

/** A binary layout: each record has its labels, then three planes of 32 rows of 32. */
interface Layout {
  readonly folder: string
  readonly train: readonly string[]
  readonly test: readonly string[]
  readonly records: { readonly train: number; readonly test: number }
  readonly names: string
  /** Number of labels per record, and the index of the one to use. */
  readonly labels: number
  readonly label: number
}

const cifar10: Layout = {
  folder: 'cifar-10-batches-bin',
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
  test: ['test_batch.bin'],
  records: { train: 10_000, test: 10_000 },
  names: 'batches.meta.txt',
  labels: 1,
  label: 0,
}

/**
 * Reads CIFAR-10 in its official binary layout from a local folder: `data_batch_1.bin` … `data_batch_5.bin`,
 * `test_batch.bin`, and `batches.meta.txt` with the class names. Node only.
 *
 * @param folder the folder, or the parent of `cifar-10-batches-bin`
 * @throws Error if a file is missing, truncated, changed since `downloadCifar` saved it, or contains invalid labels
 * @example
 * const { train, test } = await readCifar10('data/cifar-10-batches-bin')
 */
export function readCifar10(folder: string): Promise<Cifar10> {
  return read(folder, cifar10)
}

/**
 * Reads CIFAR-100 in its official binary layout from a local folder: `train.bin`, `test.bin`, and the names of the 100
 * fine and 20 coarse classes. Node only.
 *
 * @param folder the folder, or the parent of `cifar-100-binary`
 * @param options.labels 'fine' (default) for 100 classes, or 'coarse' for 20
 * @throws Error as `readCifar10`
 * @example
 * const { train, test } = await readCifar100('data', { labels: 'coarse' })
 */
export function readCifar100(
  folder: string,
  { labels = 'fine' }: { readonly labels?: 'fine' | 'coarse' } = {},
): Promise<Cifar10> {
  return read(folder, {
    folder: 'cifar-100-binary',
    train: ['train.bin'],
    test: ['test.bin'],
    records: { train: 50_000, test: 10_000 },
    names: `${labels}_label_names.txt`,
    labels: 2,
    label: labels === 'fine' ? 1 : 0,
  })
}

/** The file with each file's sha256 that `downloadCifar` writes. */
export const checksumFile = 'sha256.json'

async function read(given: string, layout: Layout): Promise<Cifar10> {
  const { existsSync } = await import('node:fs')
  const { readFile } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const { createHash } = await import('node:crypto')
  const inner = join(given, layout.folder)
  const folder = existsSync(inner) ? inner : given
  const checksums = existsSync(join(folder, checksumFile))
    ? (JSON.parse(await readFile(join(folder, checksumFile), 'utf8')) as Record<string, string>)
    : {}

  const bytesOf = async (name: string): Promise<Uint8Array> => {
    const path = join(folder, name)
    const bytes = await readFile(path).catch((error: Error) => {
      throw new Error(
        `cifar10: ${path} can't be read; expected the official binary layout, ${layout.folder} (${error.message})`,
        { cause: error },
      )
    })
    if (name in checksums && createHash('sha256').update(bytes).digest('hex') !== checksums[name])
      throw new Error(
        `cifar10: ${path} was altered since it was downloaded: remove ${folder} and download it again`,
      )
    return bytes
  }
  const names = new TextDecoder().decode(await bytesOf(layout.names))
  const classes = names.split(/\s+/).filter((name) => name !== '')

  const setOf = async (part: 'train' | 'test'): Promise<ImageSet> => {
    const records = layout.records[part]
    const count = layout[part].length * records
    const images = new Uint8Array(count * pixels * 3)
    const labels = new Uint8Array(count)
    for (const [i, name] of layout[part].entries()) {
      const bytes = await bytesOf(name)
      const length = layout.labels + 3 * pixels
      if (bytes.length !== records * length)
        throw new Error(
          `cifar10: expected ${name} to have ${records * length} bytes, got ${bytes.length}: it is truncated or altered`,
        )
      for (let record = 0; record < records; record++) {
        const label = bytes[record * length + layout.label]!
        if (label >= classes.length)
          throw new Error(
            `cifar10: ${name}: expected labels in [0, ${classes.length}), got ${label} in record ${record}`,
          )
        labels[i * records + record] = label
        const planes = bytes.subarray(record * length + layout.labels, (record + 1) * length)
        interleave(planes, images.subarray((i * records + record) * pixels * 3))
      }
    }
    return { images, labels, height: side, width: side, channels: 3, classes }
  }
  return { train: await setOf('train'), test: await setOf('test') }
}

function interleave(planes: Uint8Array, image: Uint8Array): void {
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < 3; channel++)
      image[pixel * 3 + channel] = planes[channel * pixels + pixel]!
}
