import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { BatchNorm } from '@tricks/batch-norm'
import { activationLayer } from './activation.ts'
import { FoldedConv, type FoldedActivation } from './folded-conv.ts'

type Layer = layers.layers.Layer
type Symbolic = layers.SymbolicTensor

/**
 * Copies a model with each batch norm folded into the convolution before it, using its current statistics: kernel ·
 * gamma / √(variance + epsilon) and a bias, together with the rectifier after it. The copy predicts the same, but
 * faster, and trains twice as fast: its batch norm is frozen, and its scale and shift are part of the trained kernel
 * and bias.
 *
 * @param model one input, one output; a batch norm after any other layer is kept
 * @returns a new model with its own weights and the same layer names
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

/** A convolution, the batch norm after it, and optionally a rectifier after that. */
interface Chain {
  readonly convolution: Layer
  /** The convolution's output. */
  readonly from: Symbolic
  readonly norm: BatchNorm
  readonly activation: FoldedActivation
}

/** The chain that ends in this tensor, if nothing else reads its intermediate tensors. */
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

/** In float64, because channels that hardly vary have large scales. */
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
  // In a depthwise kernel, the output channels are the last axis but one; the last has size 1.
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

/** Copies a layer, with the same name and configuration. */
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

/** Copies a layer's weights by name, because frozen weights have other positions. */
export function setCopied(to: Layer, from: Layer): void {
  const byName = new Map(from.weights.map((weight) => [weight.originalName, weight.read()]))
  to.setWeights(to.weights.map(({ originalName }) => byName.get(originalName)!))
}
