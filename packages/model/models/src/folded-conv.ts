import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { hasKernel, runKernel } from '@tricks/kernels'

type Pair = readonly [height: number, width: number]
export type FoldedActivation = 'linear' | 'relu' | 'relu6'

export interface FoldedConvOptions {
  readonly name: string
  /** One filter per channel; `filters` is then omitted. */
  readonly depthwise: boolean
  readonly filters?: number
  readonly kernelSize: Pair
  readonly strides: Pair
  readonly padding: 'same' | 'valid'
  readonly activation: FoldedActivation
  readonly trainable?: boolean
}

/**
 * A convolution fused with its bias and rectifier: a single pass over the image, and a gradient that only needs input
 * and output.
 */
export class FoldedConv extends layers.layers.Layer {
  static readonly className: string = 'TricksFoldedConv'

  private readonly options: Omit<FoldedConvOptions, 'name'>
  private kernel!: layers.LayerVariable
  private bias!: layers.LayerVariable

  constructor({ name, trainable = true, ...options }: FoldedConvOptions) {
    super({ name, trainable })
    this.options = options
  }

  override build(inputShape: layers.Shape | layers.Shape[]): void {
    const channels = (inputShape as number[]).at(-1)!
    const { depthwise, filters = channels, kernelSize } = this.options
    const zeros = layers.initializers.zeros()
    const add = (name: string, shape: number[]): layers.LayerVariable =>
      this.addWeight(name, shape, 'float32', zeros)
    const shape = [...kernelSize, channels, depthwise ? 1 : filters]
    this.kernel = add(depthwise ? 'depthwise_kernel' : 'kernel', shape)
    this.bias = add('bias', [filters])
    super.build(inputShape)
  }

  override computeOutputShape(inputShape: layers.Shape | layers.Shape[]): layers.Shape {
    const [batch, height, width, channels] = inputShape as number[]
    const { kernelSize, strides, padding, filters = channels! } = this.options
    const [rows, columns] = [height!, width!].map((size, i) =>
      Math.ceil((padding === 'same' ? size : size - kernelSize[i]! + 1) / strides[i]!),
    )
    return [batch!, rows!, columns!, filters]
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs
    const compute = convolution(this.options) as Parameters<typeof tf.customGrad>[0]
    return tf.tidy(() => tf.customGrad(compute)(x, this.kernel.read(), this.bias.read()))
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...(this.options as object) }
  }

  /** The equivalent layer of tfjs, with the same weights. */
  plain(): layers.layers.Layer {
    const { depthwise, filters, kernelSize, strides, padding, activation } = this.options
    const { name } = this
    const shared = { name, kernelSize: [...kernelSize], strides: [...strides], padding, activation }
    return depthwise
      ? layers.layers.depthwiseConv2d({
          ...(shared as object as Parameters<typeof layers.layers.depthwiseConv2d>[0]),
          depthwiseInitializer: 'zeros',
        })
      : layers.layers.conv2d({
          ...(shared as object as Parameters<typeof layers.layers.conv2d>[0]),
          filters: filters!,
          kernelInitializer: 'zeros',
        })
  }
}

tf.serialization.registerClass(FoldedConv)

/** A function for tf.customGrad: tfjs's own fused operation isn't fused while gradients are recorded. */
function convolution({ depthwise, strides, padding, activation }: Omit<FoldedConvOptions, 'name'>) {
  const name = depthwise ? 'DepthwiseConv2dNative' : 'Conv2D'
  const attributes = {
    strides: [...strides],
    pad: padding,
    dataFormat: 'NHWC',
    dilations: [1, 1],
    dimRoundingMode: undefined,
  }
  const run = (kernel: string, inputs: tf.NamedTensorMap, more: object): tf.Tensor =>
    tf.engine().runKernel<tf.Tensor>(kernel, inputs, { ...attributes, ...more } as never)
  return (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor, save: tf.GradSaveFunc) => {
    const fused = depthwise ? tf.FusedDepthwiseConv2D : tf.FusedConv2D
    const y = run(fused, { x, filter, bias }, { activation })
    save([x, filter, y])
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, [input, weights, output]: tf.Tensor[]) => {
        const dz = behind(activation, dy, output!)
        const [inputShape, filterShape] = [input!.shape, weights!.shape]
        return [
          run(`${name}BackpropInput`, { dy: dz, filter: weights! }, { inputShape }),
          run(`${name}BackpropFilter`, { x: input!, dy: dz }, { filterShape }),
          tf.sum(dz, [0, 1, 2]),
        ]
      },
    }
  }
}

/** The gradient of a rectifier's input, from the gradient of its output and the output. */
function behind(activation: FoldedActivation, dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  if (activation === 'linear') return dy
  if (activation === 'relu6' && hasKernel('Relu6Grad')) return runKernel('Relu6Grad', { x: y, dy })
  const where = (x: tf.Tensor, slope: tf.Tensor): tf.Tensor =>
    hasKernel('ReluGrad') ? runKernel('ReluGrad', { x, dy: slope }) : tf.mul(slope, tf.step(x))
  const above = where(y, dy)
  return activation === 'relu' ? above : where(tf.sub(6, y), above)
}
