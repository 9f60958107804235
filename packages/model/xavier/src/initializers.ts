import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { assertOption, createRandom } from '@tricks/core'
import { draw, type Kind } from './draw.ts'

export interface InitializerOptions {
  /** A whole number in [0, 2^32); the same seed gives the same values. Without one they are new each time. */
  readonly seed?: number
  /** Tells two layers of one seed and shape apart, which else get the same values. */
  readonly name?: string
  /** What the deviation is multiplied by, above 0; default 1. */
  readonly gain?: number
}

type Initializer = ReturnType<typeof layers.initializers.zeros>

/** tfjs-layers takes for initializers its own and what derives from them, and exports no class to derive from. */
const Zeros = layers.initializers.zeros()
  .constructor as tf.serialization.SerializableConstructor<Initializer>

abstract class Seeded extends Zeros {
  abstract readonly kind: Kind
  private readonly seed: number | undefined
  private readonly name: string
  private readonly gain: number

  constructor(options: InitializerOptions | null = {}) {
    super()
    // tfjs-layers writes null for what isn't given.
    this.seed = options?.seed ?? undefined
    this.name = options?.name ?? ''
    this.gain = options?.gain ?? 1
    const { seed, gain } = this
    const valid = seed === undefined || (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)
    assertOption(valid, 'xavier', { seed }, 'a whole number in [0, 2^32)')
    assertOption(gain > 0 && Number.isFinite(gain), 'xavier', { gain }, 'a number above 0')
  }

  override apply(shape: layers.Shape, dtype: tf.DataType = 'float32'): tf.Tensor {
    assertOption(dtype === 'float32', 'xavier', { dtype }, 'float32')
    const seed = this.seed ?? Math.floor(Math.random() * 2 ** 32)
    const random = createRandom(seed).fork(this.kind).fork(this.name)
    const sizes = shape as number[]
    return tf.tensor(draw(this.kind, random, sizes, this.gain), sizes)
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { seed = null, name, gain } = this
    return { seed, name, gain }
  }
}

/** What `xavierUniform` makes. */
export class XavierUniform extends Seeded {
  static override readonly className: string = 'TricksXavierUniform'
  readonly kind: Kind = 'xavier-uniform'
}

/** What `xavierNormal` makes. */
export class XavierNormal extends Seeded {
  static override readonly className: string = 'TricksXavierNormal'
  readonly kind: Kind = 'xavier-normal'
}

/** What `kaimingNormal` makes. */
export class KaimingNormal extends Seeded {
  static override readonly className: string = 'TricksKaimingNormal'
  readonly kind: Kind = 'kaiming-normal'
}

for (const each of [XavierUniform, XavierNormal, KaimingNormal])
  tf.serialization.registerClass(each)

/**
 * An initializer for tfjs-layers: uniform in ±gain · √(6 / (fanIn + fanOut)).
 *
 * @throws RangeError for an option out of its range
 * @example
 * layers.layers.dense({ units: 10, kernelInitializer: xavierUniform({ seed: 1 }) })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierUniform(options: InitializerOptions = {}): XavierUniform {
  return new XavierUniform(options)
}

/**
 * An initializer for tfjs-layers: normal, of mean 0 and deviation gain · √(2 / (fanIn + fanOut)), not truncated.
 *
 * @throws RangeError for an option out of its range
 * @example
 * layers.layers.dense({ units: 10, kernelInitializer: xavierNormal({ seed: 1 }) })
 * @see Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierNormal(options: InitializerOptions = {}): XavierNormal {
  return new XavierNormal(options)
}

/**
 * An initializer for tfjs-layers: normal, of mean 0 and deviation gain · √(2 / fanIn), for layers that relu follows.
 *
 * @throws RangeError for an option out of its range
 * @example
 * layers.layers.conv2d({ filters: 32, kernelSize: 3, kernelInitializer: kaimingNormal({ seed: 1 }) })
 * @see He et al. 2015, https://arxiv.org/abs/1502.01852
 */
export function kaimingNormal(options: InitializerOptions = {}): KaimingNormal {
  return new KaimingNormal(options)
}
