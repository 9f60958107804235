import type { Cifar10, ImageSet } from './index.ts'

const [side, records] = [32, 10_000]
const recordLength = 1 + 3 * side * side

/**
 * CIFAR-10 in its official binary layout, from a local folder: `data_batch_1.bin` … `data_batch_5.bin`,
 * `test_batch.bin`, and `batches.meta.txt` with the classes' names. Node only.
 *
 * @param folder the folder, or the one above its `cifar-10-batches-bin`
 * @throws Error where a file is missing, cut, or holds labels that are none
 * @example
 * const { train, test } = await readCifar10('data/cifar-10-batches-bin')
 */
export async function readCifar10(folder: string): Promise<Cifar10> {
  const { existsSync } = await import('node:fs')
  const { readFile } = await import('node:fs/promises')
  const { join } = await import('node:path')
  const inner = join(folder, 'cifar-10-batches-bin')
  const root = existsSync(inner) ? inner : folder
  const read = async (name: string): Promise<Uint8Array> => {
    try {
      return await readFile(join(root, name))
    } catch (error) {
      throw new Error(
        `cifar10: ${join(root, name)} can't be read; expected the official binary layout, ` +
          `cifar-10-batches-bin (${(error as Error).message})`,
        { cause: error },
      )
    }
  }
  const names = new TextDecoder().decode(await read('batches.meta.txt'))
  const classes = names.split('\n').filter((name) => name.trim() !== '')
  const setOf = async (files: readonly string[]): Promise<ImageSet> => {
    const images = new Uint8Array(files.length * records * (recordLength - 1))
    const labels = new Uint8Array(files.length * records)
    for (const [i, file] of files.entries())
      unpack(await read(file), file, classes.length, labels, images, i * records)
    return { images, labels, height: side, width: side, channels: 3, classes }
  }
  return {
    train: await setOf([1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`)),
    test: await setOf(['test_batch.bin']),
  }
}

/** Records of a label and three planes → labels, and pixels with their channels together. */
function unpack(
  file: Uint8Array,
  name: string,
  classes: number,
  labels: Uint8Array,
  images: Uint8Array,
  first: number,
): void {
  if (file.length !== records * recordLength)
    throw new Error(
      `cifar10: expected ${name} to have ${records * recordLength} bytes, got ${file.length}: it is cut or altered`,
    )
  for (let i = 0; i < records; i++) {
    const label = file[i * recordLength]!
    if (label >= classes)
      throw new Error(
        `cifar10: ${name}: expected labels in [0, ${classes}), got ${label} in record ${i}`,
      )
    labels[first + i] = label
    for (let pixel = 0; pixel < side * side; pixel++)
      for (let channel = 0; channel < 3; channel++)
        images[((first + i) * side * side + pixel) * 3 + channel] =
          file[i * recordLength + 1 + channel * side * side + pixel]!
  }
}
