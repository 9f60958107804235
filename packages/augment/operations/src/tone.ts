import * as tf from '@tensorflow/tfjs-core'
import { eachImage } from './levels.ts'
import type { Levels, Step } from './operation.ts'

/** Changes levels: Posterize keeps the upper bits, Solarize inverts from its level on, Invert inverts all. */
export function tone(levels: Levels, steps: readonly Step[]): Levels {
  const width = eachImage(steps, widthOf)
  const start = eachImage(steps, startOf)
  const kept = tf.mul(tf.floor(tf.div(levels, width)), width)
  const inverts = tf.step(tf.add(tf.sub(kept, start), 0.5))
  return tf.add(kept, tf.mul(inverts, tf.sub(255, tf.mul(kept, 2))))
}

/** The distance of the levels that are kept. */
export const widthOf = ({ op, magnitude }: Step): number =>
  op === 'Posterize' ? 2 ** (8 - Math.trunc(magnitude)) : 1

/** The first level that is inverted. */
export function startOf({ op, magnitude }: Step): number {
  if (op === 'Posterize') return 256
  return op === 'Solarize' ? Math.ceil(magnitude) : 0
}

/** Stretches each channel so that its darkest level becomes 0 and its brightest 255. */
export function autoContrast(levels: Levels): Levels {
  return byChannel(levels, (rows) => {
    const [low, high] = [tf.min(rows, 1, true), tf.max(rows, 1, true)]
    // A channel with a single level is unchanged: 0 + 1 · level.
    const flat = tf.cast(tf.equal(low, high), 'float32')
    const scale = tf.div(255, tf.add(tf.sub(high, low), tf.mul(flat, 255)))
    const from = tf.mul(low, tf.sub(1, flat))
    return tf.floor(tf.clipByValue(tf.mul(tf.sub(rows, from), scale), 0, 255))
  })
}

/**
 * Equalizes each channel's histogram: level → ⌊(pixels below it + ⌊step / 2⌋) / step⌋, where step is the number of
 * pixels below the brightest level divided by 255, rounded down; if it is 0 the channel is unchanged.
 */
export function equalize(levels: Levels): Levels {
  return byChannel(levels, (rows) => {
    // One index per level and row, for counting and lookup.
    const starts = tf.mul(tf.range(0, rows.shape[0]), 256)
    const indices = tf.cast(tf.add(rows, tf.reshape(starts, [-1, 1])), 'int32')
    const flat: tf.Tensor1D = tf.reshape(indices, [-1])
    const counted = tf.bincount(flat, tf.tensor1d([]), rows.shape[0] * 256)
    const counts = tf.reshape(tf.cast(counted, 'float32'), [-1, 256])
    const below = tf.cumsum(counts, 1, true)
    const belowBrightest = tf.max(tf.mul(below, tf.step(counts)), 1, true)
    // Adding half a pixel keeps quotients from rounding to below an integer.
    const step = tf.floor(tf.div(tf.add(belowBrightest, 0.5), 255))
    const still = tf.cast(tf.equal(step, 0), 'float32')
    const evened = tf.div(
      tf.add(tf.add(below, tf.floor(tf.div(step, 2))), 0.5),
      tf.add(step, still),
    )
    const table = tf.reshape(tf.floor(tf.clipByValue(evened, 0, 255)), [-1])
    const looked = tf.reshape(tf.gatherND(table, tf.reshape(indices, [-1, 1])), rows.shape)
    return tf.add(tf.mul(looked, tf.sub(1, still)), tf.mul(rows, still))
  })
}

/** Applies a change to each channel of each image, `[batch · channels, height · width]`. */
function byChannel(levels: Levels, change: (rows: tf.Tensor2D) => tf.Tensor): Levels {
  const [batch, height, width, channels] = levels.shape
  const planes = tf.transpose(levels, [0, 3, 1, 2])
  const rows = change(tf.reshape(planes, [batch * channels, height * width]))
  return tf.transpose(tf.reshape(rows, [batch, channels, height, width]), [0, 2, 3, 1])
}
