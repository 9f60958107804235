import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { assertOption, createRandom } from '@tricks/core'
import { checkGain, fill, type Method } from './fill.ts'

type Initializer = ReturnType<typeof layers.initializers.ones>

/** tfjs-layers takes only its own class for an initializer, and exports it by way of its instances alone. */
const Base: (abstract new () => Initializer) &
  Pick<typeof tf.serialization.Serializable, 'fromConfig'> = Object.getPrototypeOf(
  layers.initializers.ones().constructor,
)

export interface InitializerOptions {
  /** A whole number in [0, 2^32); by default drawn when the initializer is made. */
  readonly seed?: number
  /** Tells two layers of one seed and shape apart, which else start alike; default none. */
  readonly name?: string
  /** What the deviation is multiplied by, above 0; default 1. */
  readonly gain?: number
}

abstract class Seeded extends Base {
  readonly seed: number
  readonly name: string
  readonly gain: number
  protected abstract readonly method: Method

  constructor({
    seed = Math.floor(Math.random() * 2 ** 32),
    name = '',
    gain = 1,
  }: InitializerOptions = {}) {
    super()
    const whole = Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32
    assertOption(whole, 'xavier', { seed }, 'a whole number in [0, 2^32)')
    checkGain(gain)
    this.seed = seed
    this.name = name
    this.gain = gain
  }

  override apply(shape: layers.Shape): tf.Tensor {
    const random = createRandom(this.seed).fork(this.name)
    return fill(this.method, shape as number[], { random, gain: this.gain })
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { seed, name, gain } = this
    return { seed, name, gain }
  }
}

export class XavierUniform extends Seeded {
  static readonly className: string = 'TricksXavierUniform'
  protected readonly method = 'xavierUniform' as const
}
export class XavierNormal extends Seeded {
  static readonly className: string = 'TricksXavierNormal'
  protected readonly method = 'xavierNormal' as const
}
export class KaimingNormal extends Seeded {
  static readonly className: string = 'TricksKaimingNormal'
  protected readonly method = 'kaimingNormal' as const
}

tf.serialization.registerClass(XavierUniform)
tf.serialization.registerClass(XavierNormal)
tf.serialization.registerClass(KaimingNormal)
