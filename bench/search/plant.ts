// Data with a known answer: what a search for an augmentation must not use, or nothing to find.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCifar10 } from '@tricks/cifar10'
import { createRandom } from '@tricks/core'
import { pngUrl } from '@tricks/report'
import { imagesAt, type ImageSet } from '@tricks/train'

/**
 * What is planted: `colours` has labels class × (original | channels rotated), so operations on colours may destroy
 * information; `rotations` has labels class × (upright | rotated by 90°); in `shuffled`, labels say nothing about the images.
 * harm.ts measures which operations harm.
 */
export const controls = ['colours', 'rotations', 'shuffled'] as const
export type Control = (typeof controls)[number]

/** Plants a control in a set, from which nothing is left out. */
export function plant(set: ImageSet, control: Control, seed: number): ImageSet {
  const random = createRandom(seed).fork(control)
  if (control === 'shuffled') {
    const order = random.permutation(set.labels.length)
    return { ...set, labels: Int32Array.from(order, (i) => set.labels[i]!) }
  }
  const [change, word] =
    control === 'colours'
      ? ([rotateChannels, 'rotated channels'] as const)
      : ([rotateQuarter, 'rotated'] as const)
  const size = set.height * set.width * set.channels
  const images = Uint8Array.from(set.images.subarray(0, set.images.length))
  const seen = set.classes.map(() => 0)
  const changed = set.classes.map(() => 0)
  // Half of each class.
  const labels = Int32Array.from(set.labels)
  for (const i of random.permutation(labels.length)) {
    const label = labels[i]!
    if (seen[label]!++ < 2 * changed[label]! + 1) continue
    changed[label]!++
    labels[i] = label + set.classes.length
    images.set(change(images.slice(i * size, (i + 1) * size), set), i * size)
  }
  const classes = [...set.classes, ...set.classes.map((name) => `${name}, ${word}`)]
  return { ...set, images, labels, classes }
}

/** Red becomes green, green blue, and blue red. */
export function rotateChannels(image: Uint8Array, { channels }: ImageSet): Uint8Array {
  return image.map((_, i) => image[i - (i % channels) + ((i + channels - 1) % channels)]!)
}

/** Rotates a square image counter-clockwise by 90°. */
export function rotateQuarter(image: Uint8Array, { width, channels }: ImageSet): Uint8Array {
  return image.map((_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels]
    const [row, column] = [Math.floor(pixel / width), pixel % width]
    return image[(column * width + (width - 1 - row)) * channels + channel]!
  })
}

/** The first images of a random order, equally many of each class. */
export function someOf(set: ImageSet, count: number, seed: number): ImageSet {
  const each = Math.floor(count / set.classes.length)
  const order = [...createRandom(seed).fork('some').permutation(set.labels.length)]
  const chosen = set.classes.flatMap((_, label) =>
    order.filter((i) => set.labels[i] === label).slice(0, each),
  )
  return imagesAt(set, chosen)
}

/** Writes a set as pictures, in a folder per class. */
export function writePictures(set: ImageSet, folder: string): void {
  const { height, width, channels, classes } = set
  const size = height * width * channels
  for (const name of classes) mkdirSync(join(folder, name), { recursive: true })
  for (let i = 0; i < set.labels.length; i++) {
    const pixels = set.images.subarray(i * size, (i + 1) * size)
    const [, png] = pngUrl({ pixels: Uint8Array.from(pixels), height, width, channels }).split(',')
    const file = join(folder, classes[set.labels[i]!]!, `${i}.png`)
    writeFileSync(file, Buffer.from(png!, 'base64'))
  }
}

/** Writes images of CIFAR-10 with a planted control as pictures, in folders `train` and `test`, unless they exist. */
export async function plantPictures(
  control: Control,
  folder: string,
  { images, test: tests, seed }: Record<'images' | 'test' | 'seed', number>,
): Promise<void> {
  if (existsSync(join(folder, 'test'))) return
  const { train, test } = await loadCifar10()
  writePictures(plant(someOf(train, images, seed), control, seed), join(folder, 'train'))
  writePictures(plant(someOf(test, tests, seed), control, seed + 1), join(folder, 'test'))
}
