// Looking at what a run would do, without running it.
import { writeFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs-core'
import { type BackendName, useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import type { Trick } from '@tricks/core'
import type { Teacher } from '@tricks/distillation'
import { plotSvg, plotTerminal, rateCurve, sheetPng, sheetSvg, stepSheet } from '@tricks/report'
import { openData } from '@tricks/train'
import { previewOf, previews, shownImages } from './pictures.ts'
import { type Recipe, recipeOf } from './recipes.ts'

/** Draws one trick's work on chosen images, or what a recipe's run shows its network in a step. */
export async function preview({
  trick,
  recipe: name = 'quick',
  seed,
  step = 0,
  images = shownImages.length,
  out,
  backend,
}: {
  /** One of `previews`; else the recipe counts. */
  readonly trick?: string
  readonly recipe?: string
  readonly seed?: number
  readonly step?: number
  readonly images?: number
  /** A .png or a .svg. */
  readonly out: string
  readonly backend?: BackendName
}): Promise<void> {
  const recipe = recipeOf(name)
  const steps = stepsPerEpochOf(recipe) * recipe.epochs
  if (trick === undefined && step >= steps)
    throw new Error(`--step: the recipe ${name} has ${steps} steps, got ${step}`)
  await useBackend(backend)
  const { train } = await loadCifar10()
  const draw = (): ReturnType<typeof previewOf> => {
    if (trick !== undefined) return previewOf(trick, train, { seed, images: several(images) })
    const { batchSize, epochs, validation } = recipe
    return stepSheet({
      tricks: tricksOf(recipe),
      data: openData({ train, validation, batchSize, epochs, seed: seed ?? 0 }),
      step,
      seed,
      classes: train.classes,
      show: Array.from({ length: Math.min(images, batchSize) }, (_, i) => i),
    })
  }
  const sheet = await draw()
  writeFileSync(out, out.endsWith('.svg') ? sheetSvg(sheet) : await sheetPng(sheet))
  console.log(out)
}

/** The images of the cards, and after them the set's first. */
const several = (count: number): readonly number[] => [
  ...shownImages.slice(0, count),
  ...Array.from({ length: Math.max(0, count - shownImages.length) }, (_, i) => i),
]

/** The names that `preview` takes. */
export const previewNames: readonly string[] = Object.keys(previews)

/** Plots the learning rate of a recipe's run, in the terminal or as SVG. */
export async function plot({
  recipe: name,
  epochs,
  svg,
}: {
  readonly recipe: string
  readonly epochs?: number
  readonly svg?: string
}): Promise<void> {
  await useBackend()
  const recipe = recipeOf(name)
  const optimizer = recipe.optimizer()
  const curve = rateCurve({
    name: `learning rate of ${name}`,
    of: tricksOf(recipe),
    rate: (optimizer as tf.Optimizer & { readonly learningRate: number }).learningRate,
    epochs: epochs ?? recipe.epochs,
    stepsPerEpoch: stepsPerEpochOf(recipe),
    batchSize: recipe.batchSize,
  })
  optimizer.dispose()
  if (svg === undefined) return console.log(await plotTerminal([curve]))
  writeFileSync(svg, plotSvg([curve]))
  console.log(svg)
}

const stepsPerEpochOf = ({ validation, batchSize }: Recipe): number =>
  Math.ceil((50_000 - validation) / batchSize)

/** Without a teacher's training: what is looked at here never asks it. */
function tricksOf(recipe: Recipe): Trick[] {
  const absent: Teacher = {
    name: 'absent',
    apply() {
      throw new Error('there is no teacher to ask')
    },
  }
  return recipe.tricks(absent)
}
