import { assertArgument } from '@tricks/core'
import { checkLabels, checkTargets } from './check-labels.ts'
import { checkPixels } from './check-pixels.ts'
import type { ImageSet, LargerImages } from './image-set.ts'

/**
 * Validates a set for training or evaluation and returns its labels.
 *
 * @throws Error naming the problem, and how to convert the data
 */
export function checkImageSet(name: string, set: ImageSet): Int32Array {
  if (typeof set !== 'object' || set === null || !('images' in set && 'labels' in set))
    throw new Error(
      `train: expected the ${name} set to be { images, labels, height, width, channels, classes }, ` +
        `got ${typeof set === 'object' && set ? `{ ${Object.keys(set).join(', ')} }` : String(set)}`,
    )
  const { images, height, width, channels, classes } = set
  for (const [size, value] of Object.entries({ height, width, channels }))
    assertArgument(
      Number.isInteger(value) && value >= 1,
      'train',
      { [`the ${name} images' ${size}`]: value },
      'a positive integer',
    )
  // For example, the sizes of a tensor [images, channels, height, width], in that order.
  const planes = height === 3 || height === 4 || (height === 1 && width === channels)
  if (planes && width >= 8 && channels >= 8)
    throw new Error(
      `train: expected the ${name} images in the order height, width, channels, got ${height}×${width}×${channels}, ` +
        'which looks as if channels came first: transpose them, and pass the sizes in this order',
    )
  checkPixels(name, images)
  if (set.larger) checkLarger(name, set, set.larger)
  const named = Array.isArray(classes) && classes.every((each) => typeof each === 'string')
  if (!named)
    throw new Error(
      `train: expected the ${name} set's classes to be a list of names, got ${JSON.stringify(classes)}`,
    )
  const labels = checkLabels(name, set)
  if (set.targets) checkTargets(name, set.targets, labels.length, classes.length)
  const names = new Set<string>()
  const twice = classes.find((each) => names.size === names.add(each.normalize()).size)
  if (twice !== undefined)
    throw new Error(
      `train: the ${name} set's classes contain '${twice}' twice: give each class a different name`,
    )
  if (classes.length < 2)
    throw new Error(
      `train: expected the ${name} set to have two classes or more, got ${JSON.stringify(classes)}`,
    )
  return labels
}

function checkLarger(
  name: string,
  { labels, channels }: ImageSet,
  { images, height, width }: LargerImages,
): void {
  checkPixels(`${name} larger`, images)
  const bytes = labels.length * height * width * channels
  if (images.length !== bytes)
    throw new Error(
      `train: expected ${bytes} bytes of the ${name} set's larger images, ${labels.length} of ${height}×${width}×${channels}, got ${images.length}: pass one for each label`,
    )
}

/** Checks an evaluation set. @throws Error if it has other sizes or classes than the training set */
export function checkEvaluationSet(name: string, set: ImageSet, training: ImageSet): void {
  checkImageSet(name, set)
  for (const fact of ['height', 'width', 'channels'] as const)
    if (set[fact] !== training[fact])
      throw new Error(
        `train: the ${name} images' ${fact} is ${set[fact]}, the training images' ${training[fact]}`,
      )
  if ((set.targets === undefined) !== (training.targets === undefined))
    throw new Error(
      `train: only the ${set.targets ? name : 'training'} set has targets: give both sets several labels per image, or one`,
    )
  const [here, there] = [set.classes, training.classes]
  const same = here.length === there.length && here.every((each, i) => sameName(each, there[i]!))
  if (!same)
    throw new Error(
      `train: the ${name} set has other classes than the training set: ` +
        `${JSON.stringify(here)} and ${JSON.stringify(there)}`,
    )
}

/** File systems differ in how they encode accents: as separate characters or combined with the letter. */
const sameName = (one: string, other: string): boolean => one.normalize() === other.normalize()
