#!/usr/bin/env node
// Writes the data of the site's pages: to docs/generated, the tricks with their declared options, and images to try
// them on; to docs/public/weights, the network that the page for training starts from.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { cifar10Mean, loadCifar10 } from '@tricks/cifar10'
import { weightsFile } from '@tricks/pretrained'
import { catalogueOf } from './playground/declared.ts'

const out = join(import.meta.dirname, 'generated')

/** A cat, a ship, a car and a horse of the training images; then a deer, a fire engine, an aeroplane and a frog. */
const shown: readonly number[] = [17, 42, 133, 5, 26, 117, 14, 0]

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
writeFileSync(join(out, 'catalogue.json'), JSON.stringify(catalogueOf()))

const { train } = await loadCifar10()
const { height, width, channels } = train
const bytes = height * width * channels
// One below the other, so that each image is one range of bytes.
const data = new Uint8Array(shown.length * bytes)
for (const [i, index] of shown.entries())
  data.set(train.images.subarray(index * bytes, (index + 1) * bytes), i * bytes)
writeFileSync(
  join(out, 'samples.png'),
  encode({ data, width, height: height * shown.length, channels }),
)
const samples = {
  classes: train.classes,
  labels: shown.map((index) => train.labels[index]!),
  mean: cifar10Mean,
}
writeFileSync(join(out, 'samples.json'), JSON.stringify(samples))

const weights = join(import.meta.dirname, 'public/weights')
mkdirSync(weights, { recursive: true })
try {
  copyFileSync(await weightsFile('efficientnet-lite0'), join(weights, 'efficientnet-lite0.pth'))
} catch (error) {
  // The rest of the site works, and that page explains what is missing.
  console.warn(`The page for training is built without its network: ${(error as Error).message}`)
}
