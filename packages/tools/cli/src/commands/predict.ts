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
    for (const file of pictures as readonly string[]) {
      const found = await classify(trained, file)
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

/** Returns the classes, most likely first, or the reason why the file can't be read. */
async function classify({ model, classes }: TrainedModel, name: string): Promise<Share[] | string> {
  const file = resolve(name)
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    return `it is a folder: pass its pictures, as in ${name}/*.jpg`
  const { readPicture } = await import('@tricks/image-folder')
  const [height, width, channels] = model.inputs[0]!.shape.slice(1) as [number, number, number]
  const pixels = await readPicture(file, height, width)
  if (typeof pixels === 'string') return pixels
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
