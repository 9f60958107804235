import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import type { ImageSet } from '@tricks/train'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineRecipe, predictedClasses, progressView, readRunFolder, run } from '../src/index.ts'

const root = mkdtempSync(join(tmpdir(), 'run-'))
afterAll(() => rmSync(root, { recursive: true }))
beforeAll(() => tf.setBackend('cpu'))

/** Two classes, one dark and one bright. */
const images = (count: number): ImageSet => ({
  images: Uint8Array.from({ length: count * 8 * 8 }, (_, i) =>
    Math.floor(i / 64) % 2 === 0 ? (i * 37) % 120 : 130 + ((i * 37) % 120),
  ),
  labels: Int32Array.from({ length: count }, (_, i) => i % 2),
  height: 8,
  width: 8,
  channels: 1,
  classes: ['dark', 'bright'],
})
const recipe = defineRecipe({
  model: 'plain',
  modelOptions: { widths: [[2], [2]] },
  optimizer: () => tf.train.momentum(0.05, 0.9),
  tricks: [],
  epochs: 2,
  batchSize: 8,
})
const view = progressView({ mode: 'quiet' })

test('without a test set, the folder keeps the predictions of the validation images', async () => {
  const folder = join(root, 'split')
  await run({ recipe, data: { name: 'noise', train: images(40) }, folder, view })
  const { run: facts, test: tested, validation, epochs, damage } = readRunFolder(folder)
  expect(damage).toEqual([])
  expect(tested).toBeUndefined()
  expect(facts.data).toMatchObject({ height: 8, width: 8, channels: 1, trainingImages: 40 })
  expect(facts.data!.validationImages).toBeUndefined()
  expect(validation!.labels).toHaveLength(4)
  const right = predictedClasses(validation!).filter((each, i) => each === validation!.labels[i])
  expect(right.length / 4).toBeCloseTo(epochs[1]!.validation!.accuracy, 6)
})

test('with a test set, it keeps those of the test images', async () => {
  const folder = join(root, 'tested')
  const data = { name: 'noise', train: images(40), validation: images(6), test: images(10) }
  await run({ recipe, data, folder, view })
  const { run: facts, test: tested, validation } = readRunFolder(folder)
  expect(facts.data).toMatchObject({ trainingImages: 40, validationImages: 6, testImages: 10 })
  expect([tested!.labels.length, validation]).toEqual([10, undefined])
})

test('a program resumes a run with its original options', async () => {
  const data = { name: 'noise', train: images(40) }
  const weightsOf = (folder: string): Buffer => readFileSync(join(folder, 'model/weights.bin'))
  const whole = join(root, 'whole')
  await run({ recipe, data, folder: whole, view })
  const folder = join(root, 'resumed')
  const controller = new AbortController()
  const stopping = { ...view, show: () => controller.abort() }
  const options = { recipe, data, folder, saveEvery: 1 }
  const aborted = await run({ ...options, view: stopping, signal: controller.signal })
  expect(aborted.stopped).toBe('aborted')
  const result = await run({ ...options, view, resume: true })
  expect(result.stopped).toBe('finished')
  expect(weightsOf(folder)).toEqual(weightsOf(whole))
  expect(readRunFolder(folder).run.wallClock!.resumed).toEqual([{ steps: aborted.steps }])
})
