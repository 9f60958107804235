import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { loadModel, type TrainedModel } from '@tricks/run'
import { exitCodes } from '../usage.ts'
import type { Command } from './command.ts'

export const predict: Command<'top' | 'json' | 'backend'> = {
  usage: 'predict <run> <pictures...>',
  what: 'Classify pictures with a trained network',
  flags: ['top', 'json', 'backend'],
  examples: ['predict runs/a picture.jpg', 'predict runs/a photos/*.jpg --top 1'],
  async run([run, pictures], { top = 3, json = false, backend }) {
    await useBackend(backend)
    const trained = await loadModel(resolve(String(run)))
    let failed = 0
    const files = pictures as readonly string[]
    // Loaded on demand, as its decoder is native code.
    const { readPictures } = await import('@tricks/image-folder')
    const [height, width] = trained.model.inputs[0]!.shape.slice(1) as [number, number]
    const paths = files.map((file) => resolve(file))
    let index = 0
    for await (const pixels of readPictures(paths, height, width)) {
      const file = files[index++]!
      const found =
        typeof pixels === 'string' ? reasonFor(file, pixels) : await classify(trained, pixels)
      if (typeof found === 'string') {
        failed++
        if (json) console.log(JSON.stringify({ file, error: found }))
        else console.error(`${file}: can't be read (${found})`)
        continue
      }
      const best = found.slice(0, top)
      const shares = best.map((each) => `${each.name} ${(100 * each.probability).toFixed(1)} %`)
      console.log(json ? JSON.stringify({ file, classes: best }) : `${file}: ${shares.join(', ')}`)
    }
    return failed > 0 ? exitCodes.failed : 0
  },
}

interface Share {
  readonly name: string
  readonly probability: number
}

/** Why a file can't be read. */
const reasonFor = (file: string, reason: string): string =>
  statSync(resolve(file), { throwIfNoEntry: false })?.isDirectory()
    ? `it is a folder: pass the pictures in it, such as ${file}/*.jpg`
    : reason

/** Returns the classes, most likely first. */
async function classify({ model, classes }: TrainedModel, pixels: Uint8Array): Promise<Share[]> {
  const [height, width, channels] = model.inputs[0]!.shape.slice(1) as [number, number, number]
  const probabilities = tf.tidy(() => {
    const rgb = tf.div(tf.tensor4d(pixels, [1, height, width, 3], 'float32'), 255)
    const images = channels === 1 ? tf.mean(rgb, 3, true) : rgb
    return tf.softmax(model.predict(images) as tf.Tensor2D)
  })
  const values = await probabilities.data()
  probabilities.dispose()
  return classes
    .map((each, i) => ({ name: each, probability: values[i]! }))
    .toSorted((a, b) => b.probability - a.probability)
}
