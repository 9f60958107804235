import { activate, clip } from './activations.ts'
import {
  addKernel,
  convolution,
  type Norm,
  transposed,
  type Window,
  windowAttributes,
} from './convolution.ts'
import { axisInFile, fromFile, type Graph, type Shape, toFile, type Value } from './graph.ts'
import { kernelOf, type Weight } from './weights.ts'

/** A layer as data. */
export interface LayerFacts {
  readonly name: string
  readonly kind: string
  readonly config: Readonly<Record<string, unknown>>
  readonly weights: Readonly<Record<string, Weight>>
  readonly outputShape: Shape
  /** Type of the kernels. */
  readonly type: 'float32' | 'int8'
  /** A norm right after it, which is folded into it. */
  readonly norm?: Norm | undefined
}

type Convert = (layer: LayerFacts, inputs: readonly [Value, ...Value[]], graph: Graph) => Value

/** A tensor with its axes in tfjs's order, for operators that depend on the order. */
function inOrder({ name, shape }: Value, graph: Graph): string {
  const alike = shape.length !== 4 || shape[3] === 1 || (shape[1] === 1 && shape[2] === 1)
  return alike ? name : graph.add(`${name}/channels-last`, 'Transpose', [name], { perm: fromFile })
}

/** A tensor with axes in tfjs's order, transposed to the file's. */
const stored = (name: string, shape: Shape, graph: Graph): Value => ({
  name:
    shape.length === 4
      ? graph.add(`${name}/channels-first`, 'Transpose', [name], { perm: toFile })
      : name,
  shape,
})

const identity: Convert = (_, [x]) => x

const elementwise =
  (operator: string): Convert =>
  ({ name, outputShape }, inputs, graph) => {
    const ranks = new Set(inputs.map(({ shape }) => shape.length))
    if (ranks.size > 1)
      throw new Error(
        `onnx: ${name} merges tensors of ${[...ranks].join(' and ')} axes, which can't be exported: reshape them to the same number of axes`,
      )
    const names = inputs.map((each) => each.name)
    // ONNX's Mul takes two inputs; Min, Max and Mean take any number.
    const output =
      operator === 'Mul' || operator === 'Add'
        ? names.slice(1).reduce((sum, each) => graph.add(name, operator, [sum, each]), names[0]!)
        : graph.add(name, operator, names)
    return { name: output, shape: outputShape }
  }

const conv =
  (role: string): Convert =>
  ({ name, config, weights, outputShape, type, norm }, [x], graph) => {
    const y = convolution(graph, x, {
      name,
      role,
      kernel: weights[role]!,
      bias: weights['bias'],
      window: config as unknown as Window,
      norm,
      type,
      outputShape,
    })
    return activate(y, config['activation'] as string, `${name}/activation`, graph)
  }

/** A depthwise convolution, then a pointwise one. */
const separable: Convert = (layer, [x], graph) => {
  const { name, weights, config, outputShape, type } = layer
  const { depthwise_kernel: kernel } = weights
  const [, , inputs, multiplier] = kernel!.shape
  const spread = convolution(graph, x, {
    name: `${name}/depthwise`,
    role: 'depthwise_kernel',
    kernel: kernel!,
    window: config as unknown as Window,
    type,
    outputShape: [...outputShape.slice(0, 3), inputs! * multiplier!],
  })
  const window = {
    kernelSize: [1, 1],
    strides: [1, 1],
    padding: 'valid',
    activation: config['activation'],
  }
  return conv('pointwise_kernel')({ ...layer, config: window }, [spread], graph)
}

/** On images, [batch, height, width, channels], a dense layer is a 1 × 1 convolution. */
const dense: Convert = (layer, [x], graph) => {
  const { name, config, weights, outputShape, type } = layer
  const kernel = weights['kernel']!
  const [inputs, units] = kernel.shape as [number, number]
  if (x.shape.length === 4) {
    const pixel = { kernelSize: [1, 1], strides: [1, 1], padding: 'valid', ...config }
    const ofPixel = { ...kernel, shape: [1, 1, inputs, units] }
    const asConvolution = { ...layer, config: pixel, weights: { ...weights, kernel: ofPixel } }
    return conv('kernel')(asConvolution, [x], graph)
  }
  if (x.shape.length !== 2)
    throw new Error(
      `onnx: ${name} is a dense layer on ${x.shape.length} axes, which can't be exported: flatten its input, or reshape it to [batch, height, width, channels]`,
    )
  const { values, ...own } = kernelOf('kernel', kernel, type)
  // With the other orientation of an int8 kernel, ONNX Runtime would round the activations to int8, too.
  const turned = { ...own, values: transposed(values, kernel.shape, [1, 0]) }
  const names = [x.name, addKernel(graph, `${name}/kernel`, turned, [units, inputs], 0)]
  const { bias } = weights
  if (bias) names.push(graph.constant(`${name}/bias`, bias.values, bias.shape))
  const y = graph.add(name, 'Gemm', names, { transB: 1 })
  const activation = config['activation'] as string
  return activate({ name: y, shape: outputShape }, activation, `${name}/activation`, graph)
}

const norm: Convert = ({ name, config, weights, outputShape }, [x], graph) => {
  const { axis = -1, epsilon } = config as { readonly axis?: number; readonly epsilon: number }
  const rank = x.shape.length
  if ((axis !== -1 && axis !== rank - 1) || (rank !== 2 && rank !== 4))
    throw new Error(
      `onnx: ${name} normalises axis ${axis} of ${rank}, which can't be exported: normalise the channels instead, [batch, …, channels]`,
    )
  const size = x.shape.at(-1)!
  const inputs = Object.entries({ gamma: 1, beta: 0, moving_mean: 0, moving_variance: 1 }).map(
    ([role, absent]) =>
      graph.constant(
        `${name}/${role}`,
        weights[role]?.values ?? new Float32Array(size).fill(absent),
        [size],
      ),
  )
  const attributes = { epsilon: { float: epsilon } }
  return {
    name: graph.add(name, 'BatchNormalization', [x.name, ...inputs], attributes),
    shape: outputShape,
  }
}

const layerNorm: Convert = ({ name, config, weights, outputShape }, [x], graph) => {
  const axes = [config['axis']].flat() as number[]
  const last = axes.length === 1 && [-1, x.shape.length - 1].includes(axes[0]!)
  if (!last)
    throw new Error(
      `onnx: ${name} normalises the axes ${axes.join(', ')}, which can't be exported: normalise the last axis instead`,
    )
  const size = x.shape.at(-1)!
  const constant = (of: string, fill: number): string =>
    graph.constant(`${name}/${of}`, weights[of]?.values ?? new Float32Array(size).fill(fill), [
      size,
    ])
  const y = graph.add(
    name,
    'LayerNormalization',
    [inOrder(x, graph), constant('gamma', 1), constant('beta', 0)],
    { axis: x.shape.length - 1, epsilon: { float: config['epsilon'] as number } },
  )
  return stored(y, outputShape, graph)
}

const pool =
  (operator: string): Convert =>
  ({ name, config, outputShape }, [x], graph) => {
    const window = { ...config, kernelSize: config['poolSize'] } as unknown as Window
    return {
      name: graph.add(name, operator, [x.name], windowAttributes(window, x.shape)),
      shape: outputShape,
    }
  }

const globalPool =
  (operator: string): Convert =>
  ({ name, outputShape }, [x], graph) => {
    const pooled = graph.add(`${name}/pooled`, operator, [x.name])
    return { name: graph.add(name, 'Flatten', [pooled], { axis: 1 }), shape: outputShape }
  }

type Sides = readonly [readonly [number, number], readonly [number, number]]

/** The height and width axes of a layer's images. */
const axesOf = ({ config }: LayerFacts): readonly [number, number] =>
  config['dataFormat'] === 'channelsFirst' ? [2, 3] : [1, 2]

const pad: Convert = (layer, [x], graph) => {
  const { name, config, outputShape } = layer
  const pads = Array<number>(8).fill(0)
  axesOf(layer).forEach((axis, i) => {
    const [before, after] = (config['padding'] as Sides)[i]!
    pads[axisInFile(axis, x)] = before
    pads[4 + axisInFile(axis, x)] = after
  })
  const output = graph.add(name, 'Pad', [x.name, graph.integers(`${name}/sides`, pads)])
  return { name: output, shape: outputShape }
}

const crop: Convert = (layer, [x], graph) => {
  const { name, config, outputShape } = layer
  const sides = config['cropping'] as Sides
  const axes = axesOf(layer)
  const list = (of: string, values: readonly number[]): string =>
    graph.integers(`${name}/${of}`, values)
  const output = graph.add(name, 'Slice', [
    x.name,
    list(
      'starts',
      sides.map(([before]) => before),
    ),
    // Counted from the end, where 0 would mean the start.
    list(
      'ends',
      sides.map(([, after]) => (after === 0 ? 2 ** 31 : -after)),
    ),
    list(
      'axes',
      axes.map((axis) => axisInFile(axis, x)),
    ),
  ])
  return { name: output, shape: outputShape }
}

const reshape: Convert = ({ name, outputShape }, [x], graph) => {
  // The batch's size is kept; one other unknown size is inferred from the rest.
  const sizes = outputShape.map((size, axis) => size ?? (axis === 0 ? 0 : -1))
  const output = graph.add(name, 'Reshape', [
    inOrder(x, graph),
    graph.integers(`${name}/shape`, sizes),
  ])
  return stored(output, outputShape, graph)
}

const rescale: Convert = ({ name, config, outputShape }, [x], graph) => {
  const scalar = (of: string): string => graph.scalar(`${name}/${of}`, config[of] as number)
  const scaled = graph.add(`${name}/scaled`, 'Mul', [x.name, scalar('scale')])
  return {
    name: config['offset'] === 0 ? scaled : graph.add(name, 'Add', [scaled, scalar('offset')]),
    shape: outputShape,
  }
}

const layers: Readonly<Record<string, Convert>> = {
  Activation: ({ name, config }, [x], graph) =>
    activate(x, config['activation'] as string, name, graph),
  ActivityRegularization: identity,
  Add: elementwise('Add'),
  AlphaDropout: identity,
  Average: elementwise('Mean'),
  AveragePooling2D: pool('AveragePool'),
  BatchNormalization: norm,
  Concatenate: ({ name, config, outputShape }, inputs, graph) => ({
    name: graph.add(
      name,
      'Concat',
      inputs.map((each) => each.name),
      {
        axis: axisInFile(config['axis'] as number, inputs[0]),
      },
    ),
    shape: outputShape,
  }),
  Conv2D: conv('kernel'),
  Cropping2D: crop,
  Dense: dense,
  DepthwiseConv2D: conv('depthwise_kernel'),
  Dropout: identity,
  ELU: ({ name }, [x], graph) => activate(x, 'elu', name, graph),
  Flatten: reshape,
  GaussianDropout: identity,
  GaussianNoise: identity,
  GlobalAveragePooling2D: globalPool('GlobalAveragePool'),
  GlobalMaxPooling2D: globalPool('GlobalMaxPool'),
  LayerNormalization: layerNorm,
  LeakyReLU: ({ name, config }, [x], graph) => ({
    ...x,
    name: graph.add(name, 'LeakyRelu', [x.name], { alpha: { float: config['alpha'] as number } }),
  }),
  MaxPooling2D: pool('MaxPool'),
  Maximum: elementwise('Max'),
  Minimum: elementwise('Min'),
  Multiply: elementwise('Mul'),
  ReLU: ({ name, config }, [x], graph) =>
    typeof config['maxValue'] === 'number'
      ? { ...x, name: clip(x, name, graph, 0, config['maxValue']) }
      : activate(x, 'relu', name, graph),
  Rescaling: rescale,
  Reshape: reshape,
  SeparableConv2D: separable,
  Softmax: ({ name }, [x], graph) => activate(x, 'softmax', name, graph),
  SpatialDropout2D: identity,
  ZeroPadding2D: pad,
  StochasticDepth: identity,
  TricksBatchNorm: norm,
  TricksDropout: identity,
  TricksFoldedConv: (facts, inputs, graph) =>
    conv(facts.config['depthwise'] ? 'depthwise_kernel' : 'kernel')(facts, inputs, graph),
}

/** Whether the norm after a layer can be folded into its kernel. */
export const takesNorm = ({ kind, config }: Pick<LayerFacts, 'kind' | 'config'>): boolean =>
  ['Conv2D', 'DepthwiseConv2D', 'SeparableConv2D'].includes(kind) &&
  config['activation'] === 'linear'

export const isNorm = (kind: string): boolean => layers[kind] === norm

/**
 * Adds a layer to the file.
 *
 * @returns its output
 * @throws Error naming the layer, if it can't be exported, with a remedy
 */
export function convert(layer: LayerFacts, inputs: readonly Value[], graph: Graph): Value {
  const { name, kind, config } = layer
  if (!Object.hasOwn(layers, kind))
    throw new Error(
      `onnx: ${name} is a ${kind}, which can't be exported: build the model from ${Object.keys(layers).join(', ')}`,
    )
  if (config['dataFormat'] === 'channelsFirst' && kind !== 'ZeroPadding2D')
    throw new Error(
      `onnx: ${name} (${kind}) expects channels first, which can't be exported: set its dataFormat to 'channelsLast'`,
    )
  return layers[kind]!(layer, inputs as [Value], graph)
}
