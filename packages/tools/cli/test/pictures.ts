// Synthetic pictures and pretrained weights, so that tests download nothing.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { createRandom } from '@tricks/core'
import { variablesOf } from '@tricks/core/model'
import { efficientNetLite } from '@tricks/models'
import { encodeTensors, type FileTensor } from '@tricks/safetensors'
import sharp from 'sharp'

const colours: Readonly<Record<string, readonly number[]>> = {
  blue: [40, 40, 150],
  green: [40, 150, 40],
  red: [150, 40, 40],
}

/** Writes noisy pictures of one colour per class to one folder per class. */
export async function paint(
  folder: string,
  counts: Readonly<Partial<Record<'blue' | 'green' | 'red', number>>>,
  size = 24,
): Promise<void> {
  const random = createRandom(2)
  for (const [name, count] of Object.entries(counts)) {
    mkdirSync(join(folder, name), { recursive: true })
    for (let i = 0; i < count; i++) {
      const pixels = Uint8Array.from(
        { length: size * size * 3 },
        (_, k) => colours[name]![k % 3]! + random.integer(0, 100),
      )
      const picture = sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
      await picture.png().toFile(join(folder, name, `${i}.png`))
    }
  }
}

/** Writes random weights of EfficientNet-Lite0 for ten classes. */
export async function writeWeights(file: string): Promise<void> {
  const model = efficientNetLite({ inputShape: [32, 32, 3], classes: 10, seed: 3 })
  const tensors: Record<string, FileTensor> = {}
  for (const [path, variable] of Object.entries(variablesOf(model)))
    tensors[path] = { shape: variable.shape, values: (await variable.data()) as Float32Array }
  writeFileSync(file, encodeTensors(tensors))
  tf.dispose(Object.values(variablesOf(model)))
}
