import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { readPicture } from '@tricks/image-folder'
import { loadModel, type TrainedModel } from '@tricks/run'
import { exitCodes, fromUser } from '../usage.ts'
import type { Command } from './command.ts'

export const predict: Command<'top' | 'json' | 'backend'> = {
  usage: 'predict <run> <picture> [...more]',
  what: 'Classify pictures with the network of a run',
  flags: ['top', 'json', 'backend'],
  examples: ['predict runs/a picture.jpg', 'predict runs/a photos/*.jpg --top 1'],
  async run([run, first, more], { top = 3, json = false, backend }) {
    await useBackend(backend)
    const trained = await loadModel(fromUser(String(run)))
    const files = [first, ...((more as readonly unknown[] | undefined) ?? [])].map(String)
    let failed = 0
    for (const file of files) {
      const found = await classify(trained, fromUser(file))
      if (typeof found === 'string') {
        failed++
        console.error(`${file}: can't be read (${found})`)
        continue
      }
      const best = found.slice(0, top)
      if (json) console.log(JSON.stringify({ file, classes: best }))
      else {
        const words = best.map(
          ({ name, probability }) => `${name} ${(100 * probability).toFixed(1)} %`,
        )
        console.log(`${file}: ${words.join(', ')}`)
      }
    }
    return failed > 0 ? exitCodes.failed : 0
  },
}

/** The classes, the likeliest first; or why the file can't be read. */
async function classify(
  { model, classes }: TrainedModel,
  file: string,
): Promise<{ name: string; probability: number }[] | string> {
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
    .map((name, i) => ({ name, probability: values[i]! }))
    .toSorted((a, b) => b.probability - a.probability)
}
