import type { LayersModel } from '@tensorflow/tfjs-layers'
import { quantizeWeights, toOnnx } from '@tricks/onnx'
import { percent, progressView, readRun } from '@tricks/run'
import type { Subset } from '@tricks/train'
import { judgedImages, rightOf } from './accuracy.ts'

export interface OnnxExport {
  readonly model: LayersModel
  readonly classes: readonly string[]
  /** The run's folder. */
  readonly run: string
  readonly output: 'logits' | 'probabilities'
  readonly layout: 'nhwc' | 'nchw'
  /** Maximum number of images to measure the accuracies on. */
  readonly images: number
}

/**
 * Exports a run's network as ONNX files, and measures the accuracy lost by int8 weights on the run's test or validation
 * images. Afterwards, the model's kernels have int8's values.
 *
 * @returns the files, and lines to print
 */
export async function onnxFiles({ model, run, images, ...options }: OnnxExport): Promise<{
  readonly files: Readonly<Record<string, Uint8Array>>
  readonly lines: readonly string[]
}> {
  const files = {
    'model.onnx': await toOnnx(model, options),
    'model-int8.onnx': await toOnnx(model, { ...options, weights: 'int8' }),
  }
  const sizes = Object.entries(files).map(
    ([name, { length }]) => `${name.padEnd(15)}  ${(length / 1e6).toFixed(2)} MB`,
  )
  const found = await imagesOf(run, images)
  if (typeof found === 'string')
    return { files, lines: [...sizes, `Accuracy not measured: ${found}`] }
  const { name, subset } = found
  const whole = await rightOf(model, subset)
  quantizeWeights(model)
  const int8 = await rightOf(model, subset)
  const count = subset.indices.length
  const changed = whole.classes.filter((label, i) => label !== int8.classes[i]).length
  const lines = [whole, int8].map(
    ({ right }, i) =>
      `${sizes[i]}, ${percent(right / count)} of ${count} ${name} images classified correctly`,
  )
  return { files, lines: [...lines, `int8 changes the class of ${changed} of the ${count} images`] }
}

async function imagesOf(
  run: string,
  most: number,
): Promise<{ readonly name: string; readonly subset: Subset } | string> {
  try {
    const { settings } = readRun(run)
    const view = progressView({ stream: process.stderr })
    return (await judgedImages(settings, most, view)) ?? 'the run has no validation or test images'
  } catch (error) {
    return (error as Error).message
  }
}
