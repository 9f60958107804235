import { autoAugment } from '@tricks/autoaugment'
import { colorJitter } from '@tricks/color-jitter'
import type { Trick } from '@tricks/core'
import { cutout } from '@tricks/cutout'
import { mixup } from '@tricks/mixup'
import { pcaLighting } from '@tricks/pca-lighting'
import { randomCrop } from '@tricks/random-crop'
import { randomErasing } from '@tricks/random-erasing'
import { randomFlip } from '@tricks/random-flip'
import { randomResizedCrop } from '@tricks/random-resized-crop'
import { randomRotation } from '@tricks/random-rotation'
import { ricap } from '@tricks/ricap'

/** The tricks that change what the network sees, by their names. */
export const visibleTricks: Readonly<Record<string, () => Trick>> = {
  'random-crop': randomCrop,
  'random-resized-crop': randomResizedCrop,
  'random-flip': randomFlip,
  'random-rotation': randomRotation,
  'color-jitter': colorJitter,
  'pca-lighting': pcaLighting,
  autoaugment: autoAugment,
  cutout,
  'random-erasing': randomErasing,
  mixup: () => mixup({ alpha: 1 }),
  ricap,
}
