import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { BatchNorm } from '@tricks/batch-norm'
import { BlurPool } from '@tricks/blur-pool'
import { assertArgument } from '@tricks/core'
import { assertNormalization } from '@tricks/core/run'
import { finalActivation } from '@tricks/core/model'
import { SqueezeExcite } from '@tricks/squeeze-excite'
import { StochasticDepth } from '@tricks/stochastic-depth'
import { StandardizedConv2d, standardizeWeights } from '@tricks/weight-standardization'
import { setCopied } from './fold.ts'
import { FoldedConv } from './folded-conv.ts'

export interface ExportOptions {
  /** The mean per channel used to normalise training images, in [0, 1]. */
  readonly mean: readonly number[]
  /** The standard deviation per channel, in (0, 1]. */
  readonly deviation: readonly number[]
  /**
   * What the exported model returns; by default the same as `model`. 'probabilities' adds a softmax unless the model
   * already ends in a softmax or sigmoid.
   */
  readonly output?: 'logits' | 'probabilities'
}

/**
 * Copies a model to one that includes normalisation, (image − mean) / deviation, and consists only of tfjs-layers' own
 * layers, so that `tf.loadLayersModel` can load it anywhere without our packages.
 *
 * @param model one input, `[batch, height, width, channels]`, one output
 * @param options.mean one number per channel, in [0, 1]
 * @param options.deviation one number per channel, in (0, 1]
 * @param options.output 'logits' or 'probabilities'; by default the same as `model`. 'probabilities' adds a softmax,
 *   unless the model ends in a softmax or sigmoid
 * @returns a new model with its own weights, for images in [0, 1]
 * @throws RangeError if an option is out of its range; Error for one of our layers without a plain equivalent, and for
 *   'logits' of a model that ends in a softmax or sigmoid
 * @example
 * const plain = withNormalization(model, { mean: [0.49, 0.48, 0.45], deviation: [0.25, 0.24, 0.26] })
 * await plain.save('downloads://classifier')
 */
export function withNormalization(
  model: layers.LayersModel,
  options: ExportOptions,
): layers.LayersModel {
  return normalizing('withNormalization', model, options)
}

/** @param name the function that was called */
function normalizing(
  name: string,
  model: layers.LayersModel,
  { mean, deviation, output }: ExportOptions,
): layers.LayersModel {
  const shape = model.inputs[0]!.shape.slice(1)
  const channels = shape.at(-1)!
  const perChannel = (numbers: readonly number[]): boolean =>
    Array.isArray(numbers) && numbers.length === channels && numbers.every(Number.isFinite)
  assertArgument(perChannel(mean), name, { mean }, `${channels} numbers, one per channel`)
  assertArgument(
    perChannel(deviation) && deviation.every((each) => each > 0),
    name,
    { deviation },
    `${channels} positive numbers, one per channel`,
  )
  assertNormalization(name, { mean, deviation })
  assertArgument(
    output === undefined || output === 'logits' || output === 'probabilities',
    name,
    { output },
    'logits or probabilities',
  )
  const activation = output && activationOf(model)
  if (activation && output === 'logits')
    throw new Error(
      `${name}: expected a model that returns logits, got one that ends in a ${activation}: ` +
        "pass output: 'probabilities', or remove the activation",
    )

  const images = layers.input({ shape, name: 'images' })
  const normalization = layers.layers.depthwiseConv2d({
    name: 'normalization',
    kernelSize: 1,
    depthwiseInitializer: 'zeros',
    trainable: false,
  })
  const normalized = normalization.apply(images) as layers.SymbolicTensor
  tf.tidy(() =>
    normalization.setWeights([
      tf.tensor4d(
        deviation.map((each) => 1 / each),
        [1, 1, channels, 1],
      ),
      tf.tensor1d(mean.map((each, channel) => -each / deviation[channel]!)),
    ]),
  )
  let outputs = rebuild(name, model, normalized)
  if (output === 'probabilities' && !activation)
    outputs = layers.layers
      .activation({ name: 'probabilities', activation: 'softmax' })
      .apply(outputs) as layers.SymbolicTensor
  return layers.model({ name: model.name, inputs: images, outputs })
}

/**
 * Exports `withNormalization`'s model as the files that `tf.loadLayersModel('…/model.json')` reads.
 *
 * @returns the contents of the two files, which belong in the same folder
 * @example
 * const files = await exportModel(model, { mean, deviation })
 * for (const [name, content] of Object.entries(files)) await writeFile(join('model', name), content)
 */
export async function exportModel(
  model: layers.LayersModel,
  options: ExportOptions,
): Promise<{ 'model.json': string; 'weights.bin': Uint8Array }> {
  const exported = normalizing('exportModel', model, options)
  let artifacts!: tf.io.ModelArtifacts
  await exported.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(saved) }
    }),
  )
  exported.dispose()
  const { modelTopology, format, generatedBy, convertedBy, weightSpecs, weightData } = artifacts
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }]
  return {
    'model.json': JSON.stringify({
      format,
      generatedBy,
      convertedBy: convertedBy ?? null,
      modelTopology,
      weightsManifest,
    }),
    'weights.bin': new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
  }
}

function activationOf(model: layers.LayersModel): 'softmax' | 'sigmoid' | undefined {
  // If the size is open, any size that survives the pooling will do.
  const sizes = model.inputs[0]!.shape.slice(1).map((size) => size ?? 64)
  const { outputs, activation } = finalActivation(() => model.apply(tf.zeros([1, ...sizes])))
  tf.dispose(outputs as tf.Tensor)
  return activation
}

type Layer = layers.layers.Layer

/** Rebuilds the model with plain layers on another input; returns its output. */
function rebuild(
  name: string,
  model: layers.LayersModel,
  input: layers.SymbolicTensor,
): layers.SymbolicTensor {
  const tensors = new Map([[model.inputs[0]!.id, input]])
  const made = new Map<Layer, Layer | undefined>()
  const visit = (tensor: layers.SymbolicTensor): layers.SymbolicTensor => {
    const known = tensors.get(tensor.id)
    if (known) return known
    const layer = tensor.sourceLayer
    const inputs = layer.inboundNodes[tensor.nodeIndex]!.inputTensors.map(visit)
    if (!made.has(layer)) made.set(layer, plainLayer(name, layer))
    const plain = made.get(layer)
    const output =
      layer instanceof SqueezeExcite
        ? plainSqueezeExcite(name, layer, inputs[0]!)
        : plain
          ? (plain.apply(inputs.length === 1 ? inputs[0]! : inputs) as layers.SymbolicTensor)
          : inputs[0]!
    if (plain && layer instanceof StandardizedConv2d) setStandardized(plain, layer)
    else if (plain) setCopied(plain, layer)
    tensors.set(tensor.id, output)
    return output
  }
  return visit(model.outputs[0]!)
}

/** A tfjs-layers layer with the same name and configuration; undefined for layers without effect in inference. */
function plainLayer(caller: string, layer: Layer): Layer | undefined {
  const kind = layer.getClassName()
  const config = layer.getConfig()
  if (kind === BatchNorm.className) {
    const { name, momentum, epsilon } = config as Record<'name', string> & Record<string, number>
    return layers.layers.batchNormalization({ name, momentum, epsilon })
  }
  if (layer instanceof FoldedConv) return layer.plain()
  if (/^Tricks.*Dropout/.test(kind) || layer instanceof StochasticDepth) return undefined
  // Rebuilt from several layers.
  if (layer instanceof SqueezeExcite) return undefined
  if (layer instanceof StandardizedConv2d) {
    const { name, filters, kernelSize, strides, padding, useBias } = config
    const plain = { name, filters, kernelSize, strides, padding, useBias } as ConvConfig
    return layers.layers.conv2d({ ...plain, kernelInitializer: 'zeros' })
  }
  const ours = kind.startsWith('Tricks') || layer instanceof BlurPool
  if (ours || layer instanceof layers.LayersModel)
    throw new Error(`${caller}: ${layer.name} (${kind}) has no equivalent in tfjs-layers`)
  // Weights are copied from the model, so initializers are dropped, including those of our packages.
  for (const key of Object.keys(config))
    if (key.endsWith('Initializer') && config[key] !== null) config[key] = 'zeros'
  const Class = layer.constructor as unknown as {
    fromConfig(kind: unknown, config: tf.serialization.ConfigDict): Layer
  }
  return Class.fromConfig(Class, config)
}

type ConvConfig = Parameters<typeof layers.layers.conv2d>[0]

/** Sets a convolution's kernel to the one that a standardized convolution computes. */
function setStandardized(to: Layer, from: StandardizedConv2d): void {
  const { epsilon } = from.getConfig() as { epsilon: number }
  tf.tidy(() => {
    const [kernel, ...bias] = from.getWeights()
    to.setWeights([standardizeWeights(kernel!, { epsilon }), ...bias])
  })
}

/** Squeeze-and-excitation from pooling, two dense layers and a product. */
function plainSqueezeExcite(
  caller: string,
  layer: SqueezeExcite,
  x: layers.SymbolicTensor,
): layers.SymbolicTensor {
  const { name, activation, gate } = layer.getConfig() as Record<string, string>
  if (gate !== 'sigmoid')
    throw new Error(`${caller}: ${name} (${gate}) has no equivalent in tfjs-layers`)
  const weights = layer.getWeights()
  const { dense, globalAveragePooling2d, multiply, reshape } = layers.layers
  const channels = weights[3]!.size
  const reduce = dense({
    name: `${name}/reduce`,
    units: weights[1]!.size,
    activation: activation === 'silu' ? 'swish' : 'relu',
    kernelInitializer: 'zeros',
  })
  const expand = dense({
    name: `${name}/expand`,
    units: channels,
    activation: 'sigmoid',
    kernelInitializer: 'zeros',
  })
  const chain = [
    globalAveragePooling2d({ name: `${name}/pool`, dataFormat: 'channelsLast' }),
    reduce,
    expand,
    reshape({ name: `${name}/reshape`, targetShape: [1, 1, channels] }),
  ]
  const scales = chain.reduce((y, each) => each.apply(y) as layers.SymbolicTensor, x)
  reduce.setWeights(weights.slice(0, 2))
  expand.setWeights(weights.slice(2))
  return multiply({ name: `${name}/scale` }).apply([x, scales]) as layers.SymbolicTensor
}
