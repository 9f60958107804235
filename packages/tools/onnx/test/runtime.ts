// Runs files in ONNX Runtime, and compares their outputs with those of tfjs.
import * as tf from '@tensorflow/tfjs-core'
import type * as layers from '@tensorflow/tfjs-layers'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect } from 'vitest'

/** Sets all weights to new values, a few scales to 0 or below. Faster than drawing millions of numbers. */
export function scatter(model: layers.LayersModel): void {
  let state = 1
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  for (const layer of model.layers)
    for (const weight of layer.weights) {
      const shape = weight.shape as number[]
      const role = weight.originalName.split('/').at(-1)!
      const inputs = shape.slice(0, role === 'depthwise_kernel' ? 2 : -1)
      const spread = Math.sqrt(6 / inputs.reduce((a, b) => a * b, 1))
      const [low, high] = {
        gamma: [-0.5, 1.5],
        moving_variance: [0.5, 1.5],
        beta: [-0.3, 0.3],
        bias: [-0.3, 0.3],
        moving_mean: [-0.3, 0.3],
      }[role] ?? [-spread, spread]
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
        const value = low! + (high! - low!) * next()
        return role === 'gamma' && Math.abs(value) < 0.1 ? 0 : value
      })
      tf.tidy(() => void weight.write(tf.tensor(values, shape)))
    }
}

export async function run(
  bytes: Uint8Array,
  images: tf.Tensor,
  shape = images.shape,
): Promise<tf.Tensor> {
  const session = await InferenceSession.create(bytes)
  const given = { images: new Tensor('float32', (await images.data()) as Float32Array, shape) }
  const [output] = Object.values(await session.run(given))
  await session.release()
  return tf.tensor(output!.data as Float32Array, [...output!.dims])
}

/** The largest difference, relative to the largest value. */
export const distance = (a: tf.Tensor, b: tf.Tensor): number =>
  tf.tidy(() => tf.div(tf.max(tf.abs(tf.sub(a, b))), tf.max(tf.abs(b))).dataSync()[0]!)

export const imagesFor = (model: layers.LayersModel, size = 16): tf.Tensor =>
  tf.randomUniform(
    [3, ...model.inputs[0]!.shape.slice(1).map((each) => each ?? size)],
    0,
    1,
    'float32',
    1,
  )

/** Compares a file's output with that of tfjs, image by image. */
export async function expectSame(bytes: Uint8Array, model: layers.LayersModel): Promise<void> {
  const images = imagesFor(model)
  const expected = model.predict(images) as tf.Tensor
  const got = await run(bytes, images)
  expect(got.shape).toEqual(expected.shape)
  expect(distance(got, expected)).toBeLessThan(1e-5)
  tf.dispose([images, expected, got])
}
