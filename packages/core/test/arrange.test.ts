import * as tf from '@tensorflow/tfjs-core'
import { expect, onTestFinished, test } from 'vitest'
import {
  arrangePixels,
  copyBox,
  copyImage,
  fillBox,
  fillRandomly,
  uniformsAt,
} from '../src/augmentation.ts'
import { createRandom } from '../src/index.ts'

/** Two images of 2 × 3: 1 to 6 and 11 to 16. */
const images = tf.tensor4d([1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16], [2, 2, 3, 1])
const pixels = (write: Parameters<typeof arrangePixels>[1]): number[] =>
  tf.tidy(() => [...arrangePixels(images, write).dataSync()])

const backends = ['cpu', 'wasm', 'tensorflow'].filter((name) => tf.findBackendFactory(name))

test.each(backends)(
  'copies, mirrors, repeats and fills boxes, in order, on %s',
  async (backend) => {
    const before = tf.getBackend()
    onTestFinished(async () => void (await tf.setBackend(before)))
    await tf.setBackend(backend)
    const all = [0, 0, 2, 3] as const
    expect(pixels((image, program) => copyImage(program, [2, 2, 3, 1], 1 - image))).toEqual([
      11, 12, 13, 14, 15, 16, 1, 2, 3, 4, 5, 6,
    ])
    const across = pixels((image, program) => copyBox(program, all, image, 0, 2, 1, -1))
    expect(across).toEqual([3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14])
    const over = pixels((image, program) => copyBox(program, all, image, 1, 0, -1, 1))
    expect(over.slice(0, 6)).toEqual([4, 5, 6, 1, 2, 3])
    const border = pixels((image, program) => copyBox(program, all, image, 1, 2, 0, 0))
    expect(border).toEqual([6, 6, 6, 6, 6, 6, 16, 16, 16, 16, 16, 16])
    const position = createRandom(3).image(1).position()
    const [first, second] = uniformsAt(position, 2)
    const composed = pixels((image, program) => {
      fillBox(program, all, [7])
      copyBox(program, [0, 1, 2, 2], image, 0, 0)
      fillRandomly(program, [1, 0, 1, 2], position)
    })
    expect(composed).toEqual([7, 1, 2, first, second, 5, 7, 11, 12, first, second, 15])
  },
)
