import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { createRandom } from '@tricks/core'
import { type SqueezeExciteOptions, squeezeExciteOptions } from './options.ts'

export { type SqueezeExciteOptions, squeezeExciteOptions }

type LayerOptions = SqueezeExciteOptions & ConstructorParameters<typeof layers.layers.Layer>[0]
type Initializer = ReturnType<typeof layers.initializers.zeros>

const activations = {
  relu: (x: tf.Tensor2D) => tf.relu(x),
  silu: (x: tf.Tensor2D) => tf.mul<tf.Tensor2D>(x, tf.sigmoid(x)),
}
const gates = {
  sigmoid: (x: tf.Tensor2D) => tf.sigmoid(x),
  // torch's definition; tfjs's own hardSigmoid differs.
  hardSigmoid: (x: tf.Tensor2D) => tf.div<tf.Tensor2D>(tf.clipByValue(tf.add(x, 3), 0, 6), 6),
}

/**
 * The layer that `squeezeExcite` creates. Its weights, in order: kernel and bias of the reduction, then of the
 * expansion.
 */
export class SqueezeExcite extends layers.layers.Layer {
  static readonly className: string = 'SqueezeExcite'

  private readonly options: Required<Omit<SqueezeExciteOptions, 'name' | 'inputShape'>>
  private own!: readonly layers.LayerVariable[]

  constructor({ reduction, activation, gate, seed, ...rest }: LayerOptions = {}) {
    const given = { reduction, activation, gate, seed, name: rest.name }
    const { name: _, inputShape: __, ...options } = squeezeExciteOptions.parse(given)
    super(rest)
    this.options = options
  }

  override build(inputShape: layers.Shape | layers.Shape[]): void {
    const channels = (inputShape as layers.Shape).at(-1)
    if (inputShape.length !== 4 || !channels)
      throw new Error(
        `squeeze-excite: expected [batch, height, width, channels], got [${String(inputShape)}]`,
      )
    const hidden = Math.max(1, Math.round(channels * this.options.reduction))
    const add = (name: string, shape: number[], initializer: Initializer) =>
      this.addWeight(name, shape, 'float32', initializer)
    const zeros = layers.initializers.zeros()
    this.own = [
      add('reduce_kernel', [channels, hidden], this.uniform('reduce', 1 / Math.sqrt(channels))),
      add('reduce_bias', [hidden], zeros),
      add('expand_kernel', [hidden, channels], this.uniform('expand', 1 / Math.sqrt(hidden))),
      add('expand_bias', [channels], zeros),
    ]
    super.build(inputShape)
  }

  /** Uniform in [−bound, bound), from the seed; tfjs's own initializers ignore some seeds. */
  private uniform(part: string, bound: number): Initializer {
    const random = createRandom(this.options.seed).fork(this.name).fork(part)
    const apply = (shape: number[]): tf.Tensor => {
      const size = tf.util.sizeFromShape(shape)
      return tf.tensor(
        Float32Array.from({ length: size }, () => random.uniform(-bound, bound)),
        shape,
      )
    }
    return { apply } as unknown as Initializer
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as tf.Tensor4D
      const [reduce, reduceBias, expand, expandBias] = this.own.map((weight) => weight.read())
      const { activation, gate } = this.options
      const pooled = tf.mean<tf.Tensor2D>(x, [1, 2])
      const hidden = tf.add<tf.Tensor2D>(tf.matMul(pooled, reduce as tf.Tensor2D), reduceBias!)
      const active = activations[activation](hidden)
      const scales = tf.add<tf.Tensor2D>(tf.matMul(active, expand as tf.Tensor2D), expandBias!)
      const [batch, channels] = scales.shape
      return tf.mul(x, tf.reshape(gates[gate](scales), [batch, 1, 1, channels]))
    })
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options }
  }
}

tf.serialization.registerClass(SqueezeExcite)

/**
 * Creates a layer that scales each channel by a factor computed from the whole image: x ·
 * gate(expand(activation(reduce(mean over height and width of x)))).
 *
 * x is `[batch, height, width, channels]`; the kernels are `[channels, hidden]` and `[hidden, channels]`.
 *
 * @throws RangeError for an option out of its range; Error for an input of another rank
 * @example
 * const scaled = squeezeExcite({ reduction: 0.25 }).apply(images)
 * @see Hu et al. 2018, https://arxiv.org/abs/1709.01507; timm's `SEModule`
 */
export function squeezeExcite(options: SqueezeExciteOptions = {}): SqueezeExcite {
  return new SqueezeExcite(squeezeExciteOptions.parse(options))
}
