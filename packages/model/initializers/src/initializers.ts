import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { createRandom } from '@tricks/core'
import { fill } from './fill.ts'
import { type InitializerOptions, initializerOptions, type Method } from './options.ts'

type Initializer = ReturnType<typeof layers.initializers.ones>

/** tfjs-layers accepts only its own Initializer class, which it exports only through instances. */
const Base: (abstract new () => Initializer) &
  Pick<typeof tf.serialization.Serializable, 'fromConfig'> = Object.getPrototypeOf(
  layers.initializers.ones().constructor,
)

abstract class Seeded extends Base {
  readonly seed: number
  readonly name: string
  readonly gain: number
  protected abstract readonly method: Method

  constructor(given: InitializerOptions = {}) {
    super()
    const {
      seed = Math.floor(Math.random() * 2 ** 32),
      name,
      gain,
    } = initializerOptions.parse(given)
    this.seed = seed
    this.name = name
    this.gain = gain
  }

  override apply(shape: layers.Shape): tf.Tensor {
    const random = createRandom(this.seed).fork(this.name)
    return fill(this.method, shape as number[], { random, gain: this.gain })
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    constructor: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    // tfjs-layers adds its custom objects to the config.
    const { customObjects: _, ...own } = config
    return new constructor(own)
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
