import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { useBackend } from '@tricks/backend'
import { sheetPng, sheetSvg } from '@tricks/report'
import {
  imageSheet,
  progressView,
  type Sheet,
  stepSheet,
  tricksOf,
  validationOf,
} from '@tricks/run'
import { openData } from '@tricks/train'
import { isPictureFolder, loadData, locateData } from '../data.ts'
import type { Flags } from '../flags.ts'
import { dryContext } from '../recipes/dry.ts'
import { recipeNamed } from '../recipes/index.ts'
import { pictureTrick } from '../tricks.ts'
import { UsageError } from '../usage.ts'
import type { Command } from './command.ts'

const names = ['recipe', 'step', 'seed', 'images', 'size', 'skipBroken', 'backend', 'out'] as const
type Given = Flags<(typeof names)[number]>

export const preview: Command<(typeof names)[number]> = {
  usage: 'preview [trick] [data]',
  what: "Draw a trick's effect on your pictures, or a training batch of a recipe",
  flags: names,
  examples: ['preview cutout ./pictures', 'preview ./pictures', 'preview --recipe six --step 100'],
  async run([first, second], flags) {
    const { images = 7, out = 'preview.png', backend } = flags
    const file = resolve(out)
    if (!/\.(?:png|svg)$/i.test(file))
      throw new UsageError(`--out: expected a .png or a .svg, got ${out}`)
    const [name, data] = argumentsOf(first as string | undefined, second as string | undefined)
    const trick = name === undefined ? undefined : await pictureTrick(name)
    if (trick && flags.recipe !== undefined)
      throw new UsageError('preview: expected a trick or --recipe, got both')
    const source = await locateData(data)
    const recipe = flags.recipe ?? (isPictureFolder(source) ? 'pictures' : 'quick')
    await useBackend(backend)
    const sheet = await (trick
      ? trickSheet(trick, source, images, flags)
      : recipeSheet(recipe, source, images, flags))
    writeFileSync(file, /svg$/i.test(file) ? sheetSvg(sheet) : await sheetPng(sheet))
    console.log(file)
  },
}

/** The trick's name, if given, and the data; default CIFAR-10. */
function argumentsOf(
  first: string | undefined,
  second: string | undefined,
): [string | undefined, string] {
  if (second !== undefined) return [first, second]
  const isData = first !== undefined && (/^cifar|[./\\]/.test(first) || existsSync(resolve(first)))
  return isData ? [undefined, first] : [first, 'cifar10']
}

/** Only the path of the result goes to stdout. */
const view = progressView({ stream: process.stderr })

async function trickSheet(
  trick: Awaited<ReturnType<typeof pictureTrick>>,
  source: string,
  count: number,
  { size = 64, skipBroken = false, seed }: Given,
): Promise<Sheet> {
  const { train } = await loadData(source, { size, skipBroken, view })
  // Evenly spaced through the set, as a folder's pictures are sorted by class.
  const stride = Math.max(1, Math.floor(train.labels.length / count))
  const indices = Array.from({ length: Math.min(count, train.labels.length) }, (_, i) => i * stride)
  const { facts } = openData({ train, validation: 0, batchSize: 1, epochs: 1, seed: 0 })
  const show = indices.map((_, i) => i)
  const options = { tricks: [trick], mean: facts.mean, show }
  if (seed !== undefined) return imageSheet(train, indices, { ...options, seed })
  // With some seeds, a trick that changes only some pictures changes none of these.
  let sheet = await imageSheet(train, indices, { ...options, seed: 1 })
  for (let other = 2; sheet.rows.length === 1 && other < 20; other++)
    sheet = await imageSheet(train, indices, { ...options, seed: other })
  return sheet
}

async function recipeSheet(
  name: string,
  source: string,
  count: number,
  { step = 0, seed = 0, size: side, skipBroken = false }: Given,
): Promise<Sheet> {
  const recipe = await recipeNamed(name)
  const size = side ?? recipe.size
  const { train, validation } = await loadData(source, {
    ...(size !== undefined && { size }),
    ...(recipe.larger !== undefined && { larger: recipe.larger }),
    skipBroken,
    view,
  })
  const images = train.labels.length
  const { height, width, channels, classes } = train
  const kept = validation ?? validationOf(recipe, images)
  const batchSize = Math.min(recipe.batchSize, images - (typeof kept === 'number' ? kept : 0))
  const context = dryContext(recipe, { height, width, channels, classes: classes.length, images })
  const tricks = tricksOf(recipe, context)
  const { epochs } = recipe
  const data = openData({ train, validation: kept, batchSize, epochs, seed, tricks })
  const { steps } = data.time(0)
  if (step >= steps)
    throw new UsageError(`--step: the recipe ${name} has ${steps} steps, got ${step}`)
  const show = Array.from({ length: Math.min(count, batchSize) }, (_, i) => i)
  return stepSheet({ tricks, data, step, seed, classes, show })
}
