import { writeFileSync } from 'node:fs'
import { useBackend } from '@tricks/backend'
import { sheetPng, sheetSvg } from '@tricks/report'
import { imageSheet, stepSheet, tricksOf, validationOf } from '@tricks/run'
import { openData } from '@tricks/train'
import { loadData } from '../data.ts'
import type { Flags } from '../flags.ts'
import { dryContext } from '../recipes/dry.ts'
import { recipeNamed } from '../recipes/index.ts'
import { visibleTricks } from '../tricks.ts'
import { fromUser, nearest, UsageError } from '../usage.ts'
import type { Command } from './command.ts'

const names = ['recipe', 'step', 'seed', 'images', 'size', 'skipBroken', 'backend', 'out'] as const

export const preview: Command<(typeof names)[number]> = {
  usage: 'preview [trick] [data]',
  what: 'Draw what a trick makes of your pictures, or what a recipe shows its network in a step',
  flags: names,
  examples: ['preview cutout ./pictures', 'preview --recipe six --step 100'],
  async run([first, second], flags) {
    const { images = 7, out = 'preview.png', backend } = flags
    const [trick, source] = argumentsOf(first, second)
    await useBackend(backend)
    const sheet = await (trick === undefined
      ? recipeSheet(source, images, flags)
      : trickSheet(trick, source, images, flags))
    const file = fromUser(out)
    writeFileSync(file, out.endsWith('.svg') ? sheetSvg(sheet) : await sheetPng(sheet))
    console.log(file)
  },
}

/** A trick's name, if one is given, and the data: by default CIFAR-10. */
function argumentsOf(first: unknown, second: unknown): [string | undefined, string] {
  if (first === undefined) return [undefined, 'cifar10']
  const word = String(first)
  if (Object.hasOwn(visibleTricks, word)) return [word, String(second ?? 'cifar10')]
  if (second === undefined && (word === 'cifar10' || /[./\\]/.test(word))) return [undefined, word]
  const near = nearest(word, Object.keys(visibleTricks))
  throw new UsageError(
    `preview: no trick that changes pictures is called ${word}${near === undefined ? '' : ` (did you mean ${near}?)`}: ` +
      `${Object.keys(visibleTricks).join(', ')}`,
  )
}

type Given = Flags<(typeof names)[number]>

async function trickSheet(name: string, source: string, count: number, given: Given) {
  const { size = 64, skipBroken = false, seed } = given
  const { train } = await loadData(source, { size, skipBroken })
  // Evenly through the set, as a folder's pictures are sorted by class.
  const stride = Math.max(1, Math.floor(train.labels.length / count))
  const indices = Array.from({ length: Math.min(count, train.labels.length) }, (_, i) => i * stride)
  const { facts } = openData({ train, validation: 0, batchSize: 1, epochs: 1, seed: 0 })
  const tricks = [visibleTricks[name]!()]
  const show = indices.map((_, i) => i)
  return imageSheet(train, indices, { tricks, seed: seed ?? 1, mean: facts.mean, show })
}

async function recipeSheet(source: string, count: number, given: Given) {
  const { recipe: name = source === 'cifar10' ? 'quick' : 'pictures', step = 0, seed = 0 } = given
  const recipe = await recipeNamed(name)
  const { size = recipe.size ?? 64, skipBroken = false } = given
  const { train, validation } = await loadData(source, { size, skipBroken })
  const images = train.labels.length
  const { height, width, channels, classes } = train
  const kept = validation ?? validationOf(recipe, images)
  const batchSize = Math.min(recipe.batchSize, images - (typeof kept === 'number' ? kept : 0))
  const data = openData({ train, validation: kept, batchSize, epochs: recipe.epochs, seed })
  const { steps } = data.time(0)
  if (step >= steps)
    throw new UsageError(`--step: the recipe ${name} has ${steps} steps, got ${step}`)
  const context = dryContext(recipe, { height, width, channels, classes: classes.length, images })
  const tricks = tricksOf(recipe, context)
  const show = Array.from({ length: Math.min(count, batchSize) }, (_, i) => i)
  return stepSheet({ tricks, data, step, seed, classes, show })
}
