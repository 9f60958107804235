// Image warping, for which tfjs-node has no kernels, and pixel gathering.
import * as tf from '@tensorflow/tfjs-core'
import { hasOps } from '../load.ts'
import {
  type Call,
  type Info,
  type Kernel,
  execute,
  extend,
  input,
  text,
  type,
  whole,
} from './op.ts'

interface Warp {
  readonly interpolation: string
  readonly fillMode: string
  readonly fillValue: number
}

function warp(call: Call, image: Info, transforms: Info, size: number[], by: Warp): tf.Tensor4D {
  const inputs = [image, transforms, tf.tensor1d(size, 'int32'), tf.scalar(by.fillValue)]
  const attributes = {
    dtype: type(image.dtype === 'int32' ? 'int32' : 'float32'),
    interpolation: text(by.interpolation.toUpperCase()),
    fill_mode: text(by.fillMode.toUpperCase()),
  }
  const op = 'ImageProjectiveTransformV3'
  return execute(call, op, inputs, attributes, { typed: [] })[0] as tf.Tensor4D
}

function transform(call: Call): Info {
  const image = input(call, 'image')
  const size = (call.attrs['outputShape'] as number[] | undefined) ?? image.shape.slice(1, 3)
  const by = call.attrs as unknown as Warp
  return tf.tidy(() => warp(call, image, input(call, 'transforms'), size, by))
}

/** tf.image.rotateWithOffset: the pixel nearest to each rotated position, about a centre of the image. */
function rotate(call: Call): Info {
  const image = input(call, 'image')
  const [batch, height, width, channels] = image.shape as [number, number, number, number]
  const { radians, fillValue, center } = call.attrs as unknown as {
    readonly radians: number
    readonly fillValue: number | readonly [number, number, number]
    readonly center: number | readonly [number, number]
  }
  const [x, y] = typeof center === 'number' ? [center, center] : center
  const [centerX, centerY] = tf.backend_util.getImageCenter([x, y], height, width)
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)]
  return tf.tidy(() => {
    const transforms = tf.tensor2d([
      [cos, -sin, centerX * (1 - cos) + centerY * sin]
        .concat([sin, cos, centerY * (1 - cos) - centerX * sin])
        .concat([0, 0]),
    ])
    const turn = (info: Info, fill: number) =>
      warp(call, info, transforms, [height, width], {
        interpolation: 'nearest',
        fillMode: 'constant',
        fillValue: fill,
      })
    if (typeof fillValue === 'number') return turn(image, fillValue)
    // A colour, with full opacity in the fourth channel.
    const fill = tf.tensor1d([...fillValue, 255].slice(0, channels))
    const inside = turn(tf.ones([batch, height, width, 1]), 0)
    return tf.add(turn(image, 0), tf.mul(tf.sub(1, inside), fill))
  })
}

/** Gathers rows by index, which TensorFlow does one by one: @tricks/core's gatherPixels. */
const gather =
  (original: Kernel): Kernel =>
  (call) => {
    const [rows, indices] = [input(call, 'params'), input(call, 'indices')]
    const takes = rows.rank === 2 && indices.rank === 2 && indices.shape[1] === 1
    return takes && rows.size > 0 && rows.dtype === 'float32' && indices.dtype === 'int32'
      ? execute(call, 'TricksGather', [rows, indices], {}, { typed: [0] })[0]!
      : original(call)
  }

export function registerImage(): void {
  if (hasOps()) {
    extend(tf.GatherNd, gather)
    extend('AugmentImages', () => (call) => {
      const inputs = [input(call, 'images'), input(call, 'program')]
      const attributes = { size: whole(call.attrs['size'] as number[]) }
      return execute(call, 'TricksAugment', inputs, attributes, { typed: [0] })[0]!
    })
  }
  extend(tf.Transform, () => transform)
  extend(tf.RotateWithOffset, () => rotate)
}
