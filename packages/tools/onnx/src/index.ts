import type * as layers from '@tensorflow/tfjs-layers'
import { assertArgument } from '@tricks/core'
import { withNormalization } from '@tricks/models'
import { activate } from './activations.ts'
import { convertModel } from './convert-model.ts'
import { encodeModel, type Port } from './file.ts'
import { Graph, type Shape, toFile, type Value } from './graph.ts'
import { readWeights } from './weights.ts'

export { quantizeWeights } from './weights.ts'

export interface OnnxOptions {
  /** Mean of each channel, in [0, 1], by which the training images were normalised; requires `deviation`. */
  readonly mean?: readonly number[]
  /**
   * Standard deviation of each channel, in (0, 1]; requires `mean`. Omit both if `model` normalises its images itself.
   */
  readonly deviation?: readonly number[]
  /** The file's output: the output of `model` (default), or its softmax. */
  readonly output?: 'logits' | 'probabilities'
  /**
   * The type of the kernels; 'int8' has a scale for each output channel and is about a quarter of the size. Default
   * 'float32'.
   */
  readonly weights?: 'float32' | 'int8'
  /** The order of the input's axes: 'nhwc' (default), as in tfjs and in picture files, or 'nchw', as in PyTorch. */
  readonly layout?: 'nhwc' | 'nchw'
  /** Class names, stored as JSON in the file's metadata. */
  readonly classes?: readonly string[]
}

/**
 * Exports a model as the bytes of an ONNX file that normalises its images itself, for ONNX Runtime in web pages, in
 * Node, in Python and on phones.
 *
 * The input `images` is float32 `[batch, height, width, channels]` (`'nchw'`: `[batch, channels, height, width]`),
 * pixels in [0, 1], any batch size; the output is `logits` or `probabilities`, `[batch, classes]`. Batch norm is folded
 * into the convolution before it. With int8 weights, kernels are stored in 8 bits as q · s with a scale s for each
 * output channel; everything else, and all arithmetic, is float32.
 *
 * @param model one input, `[batch, height, width, channels]`, one output
 * @param options.mean one number per channel, in [0, 1]; with `deviation`
 * @param options.deviation one number per channel, in (0, 1]; with `mean`
 * @param options.output 'logits' (default) or 'probabilities'
 * @param options.weights 'float32' (default) or 'int8'
 * @param options.layout 'nhwc' (default) or 'nchw'
 * @param options.classes stored in the file's metadata
 * @returns the bytes of a `.onnx` file with operators of version 17
 * @throws RangeError if an option is out of its range; Error for a layer or an activation that can't be exported
 * @example
 * const bytes = await toOnnx(model, { mean, deviation, weights: 'int8' })
 * await writeFile('model.onnx', bytes)
 * @see https://onnx.ai
 */
export async function toOnnx(
  model: layers.LayersModel,
  options: OnnxOptions = {},
): Promise<Uint8Array> {
  checkOptions(model, options)
  const {
    mean,
    deviation,
    output = 'logits',
    weights: type = 'float32',
    layout = 'nhwc',
    classes,
  } = options
  const own = mean && deviation ? withNormalization(model, { mean, deviation }) : model
  try {
    const graph = new Graph()
    const { shape } = own.inputs[0]!
    const images = inputOf(shape, layout, graph)
    const weights = await readWeights(own)
    const logits = convertModel(own, images.value, { graph, weights, type })
    const result =
      output === 'probabilities' ? activate(logits, 'softmax', 'softmax', graph) : logits
    graph.rename(result.name, output)
    return encodeModel({
      name: model.name,
      description: `Images: float32 [${images.port.shape.join(', ')}], pixels in [0, 1]. Output: ${output}, [batch, ${result.shape.slice(1).join(', ')}].`,
      metadata: classes ? { classes: JSON.stringify(classes) } : {},
      nodes: graph.nodes,
      initializers: graph.initializers,
      input: images.port,
      output: { name: output, shape: result.shape.map((size) => size ?? 'batch') },
    })
  } finally {
    if (own !== model) own.dispose()
  }
}

function checkOptions(
  model: layers.LayersModel,
  { mean, deviation, output, weights, layout, classes }: OnnxOptions,
): void {
  const one = model.inputs.length === 1 && model.outputs.length === 1
  const count = { model: `${model.inputs.length} inputs and ${model.outputs.length} outputs` }
  assertArgument(one, 'onnx', count, 'a model with one input and one output')
  if ((mean === undefined) !== (deviation === undefined))
    throw new RangeError(
      `onnx: expected mean and deviation together, got ${mean ? 'mean' : 'deviation'} alone: pass both, or neither if the model normalises its images itself`,
    )
  const oneOf = (name: string, value: unknown, ...allowed: string[]): void =>
    assertArgument(
      value === undefined || allowed.includes(value as string),
      'onnx',
      { [name]: value },
      allowed.join(' or '),
    )
  oneOf('output', output, 'logits', 'probabilities')
  oneOf('weights', weights, 'float32', 'int8')
  oneOf('layout', layout, 'nhwc', 'nchw')
  const units = model.outputs[0]!.shape.at(-1)
  const named = classes === undefined || classes.length === units
  assertArgument(named, 'onnx', { classes }, `${units} names, one per output`)
}

/** The file's input, and the first layer's input made from it. */
function inputOf(
  shape: Shape,
  layout: 'nhwc' | 'nchw',
  graph: Graph,
): { readonly port: Port; readonly value: Value } {
  const names = ['batch', 'height', 'width', 'channels']
  const sizes = shape.map((size, axis) => size ?? names[axis]!)
  const name = 'images'
  if (shape.length !== 4) return { port: { name, shape: sizes }, value: { name, shape } }
  if (layout === 'nchw')
    return { port: { name, shape: toFile.map((axis) => sizes[axis]!) }, value: { name, shape } }
  const perm = { perm: [...toFile] }
  return {
    port: { name, shape: sizes },
    value: { name: graph.add('images/channels-first', 'Transpose', [name], perm), shape },
  }
}
