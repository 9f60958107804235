import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { assertArgument, createRandom } from '@tricks/core'
import {
  boolean,
  checked,
  choice,
  defineParameters,
  integer,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

const epsilon = number({ above: 0, max: 1, scale: 'log', default: 1e-6 })
const parameters = defineParameters('weight-standardization', { epsilon })

/** What tfjs accepts in the names of variables, which begin with the layer's. */
const named = /^[a-z0-9][\w.\-/]*$/i

export const standardizedConv2dOptions = defineParameters('weight-standardization', {
  /** Output channels. */
  filters: integer({ min: 1, max: 65_536 }),
  /** Side of the filters in pixels. */
  kernelSize: integer({ min: 1, max: 255, default: 3 }),
  /** Pixels from one output to the next. */
  strides: integer({ min: 1, default: 1 }),
  /** As tfjs has it. */
  padding: choice(['same', 'valid'], { default: 'same' }),
  /** Add a bias per output channel. */
  useBias: boolean({ default: true }),
  /** Added to the variance before its root. */
  epsilon,
  /** For the initial weights. */
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** The layer's name, which its initial weights depend on. @defaultValue one that tfjs makes */
  name: optional(
    checked<string>(
      'text of letters, digits, _, -, . and /, the first of them a letter or digit',
      (value) => typeof value === 'string' && named.test(value),
    ),
  ),
  /** The shape of an input without its batch, for the first layer of a model. */
  inputShape: optional(checked<(number | null)[]>('a list of sizes', Array.isArray)),
})
export type StandardizedConv2dOptions = OptionsOf<typeof standardizedConv2dOptions>

/**
 * A kernel each of whose outputs has weights of mean 0 and variance 1: (w − mean) / √(variance + epsilon), over all axes
 * but the last, with the biased variance.
 *
 * @param kernel `[…, outputs]`, as `[height, width, inputs, outputs]`
 * @param given `epsilon`, above 0, default 1e-6
 * @returns as `kernel`
 * @throws RangeError for another epsilon, or a kernel of rank 1 or less
 * @example
 * standardizeWeights(tf.tensor2d([[1], [3]])) // [[-1], [1]]
 * @see Qiao et al. 2019, https://arxiv.org/abs/1903.10520; timm's `StdConv2d`
 */
export function standardizeWeights<T extends tf.Tensor>(
  kernel: T,
  given: OptionsOf<typeof parameters> = {},
): T {
  const { epsilon: least } = parameters.parse(given)
  const matrix = kernel.rank >= 2
  assertArgument(matrix, 'weight-standardization', { kernel: kernel.shape }, 'of rank 2 or more')
  return tf.tidy(() => {
    const axes = kernel.shape.slice(1).map((_, axis) => axis)
    const centered = tf.sub(kernel, tf.mean(kernel, axes, true))
    const variance = tf.mean(tf.square(centered), axes, true)
    return tf.mul<T>(centered, tf.rsqrt(tf.add(variance, least)))
  })
}

type Options = Required<Omit<StandardizedConv2dOptions, 'name' | 'inputShape'>>
type LayerOptions = StandardizedConv2dOptions & ConstructorParameters<typeof layers.layers.Layer>[0]
type Initializer = ReturnType<typeof layers.initializers.zeros>

/** The layer that `standardizedConv2d` creates. Its weights are the kernel, as it is trained, and the bias. */
export class StandardizedConv2d extends layers.layers.Layer {
  static readonly className: string = 'StandardizedConv2d'

  private readonly options: Options
  private kernel!: layers.LayerVariable
  private bias?: layers.LayerVariable

  constructor(given: LayerOptions) {
    const { filters, kernelSize, strides, padding, useBias, epsilon: least, seed, ...rest } = given
    const own = { filters, kernelSize, strides, padding, useBias, epsilon: least, seed }
    const {
      name: _,
      inputShape: __,
      ...options
    } = standardizedConv2dOptions.parse({
      ...own,
      name: rest.name,
    })
    super(rest)
    this.options = options
  }

  override build(inputShape: layers.Shape | layers.Shape[]): void {
    const channels = (inputShape as layers.Shape).at(-1)
    if (inputShape.length !== 4 || !channels)
      throw new Error(
        `weight-standardization: expected [batch, height, width, channels], got [${String(inputShape)}]`,
      )
    const { filters, kernelSize, seed } = this.options
    const random = createRandom(seed).fork(this.name)
    // Standardised anyway, so that only the direction counts.
    const deviation = 1 / Math.sqrt(kernelSize ** 2 * channels)
    const apply = (shape: number[]): tf.Tensor => {
      const size = tf.util.sizeFromShape(shape)
      return tf.tensor(
        Float32Array.from({ length: size }, () => random.normal(0, deviation)),
        shape,
      )
    }
    const normal = { apply } as unknown as Initializer
    const shape = [kernelSize, kernelSize, channels, filters]
    this.kernel = this.addWeight('kernel', shape, 'float32', normal)
    if (this.options.useBias)
      this.bias = this.addWeight('bias', [filters], 'float32', layers.initializers.zeros())
    super.build(inputShape)
  }

  override computeOutputShape(inputShape: layers.Shape | layers.Shape[]): layers.Shape {
    const [batch, height, width] = inputShape as [number, number, number]
    const { filters, kernelSize, strides, padding } = this.options
    const outputs = (length: number | null): number | null =>
      length === null
        ? null
        : Math.ceil((padding === 'same' ? length : length - kernelSize + 1) / strides)
    return [batch, outputs(height), outputs(width), filters]
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as tf.Tensor4D
      const { strides, padding, epsilon: least } = this.options
      const kernel = standardizeWeights(this.kernel.read() as tf.Tensor4D, { epsilon: least })
      const y = tf.conv2d(x, kernel, strides, padding)
      return this.bias ? tf.add(y, this.bias.read()) : y
    })
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options }
  }
}

tf.serialization.registerClass(StandardizedConv2d)

/**
 * A convolution whose filters are standardised before each use, so that their scale and mean can't drift: for networks
 * with group norm, or with few images per batch.
 *
 * @throws RangeError for an option out of its range; Error for an input of another rank
 * @example
 * const features = standardizedConv2d({ filters: 8, kernelSize: 3 }).apply(images)
 * @see Qiao et al. 2019, https://arxiv.org/abs/1903.10520
 */
export function standardizedConv2d(options: StandardizedConv2dOptions): StandardizedConv2d {
  return new StandardizedConv2d(standardizedConv2dOptions.parse(options))
}
