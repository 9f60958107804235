import * as tf from '@tensorflow/tfjs-core'
import { type NamedTensors, type Part, setDecayFactors, SlotOptimizer } from './slot-optimizer.ts'
import { countersOf, listsOf, nameOf, newSlot, setIterations } from './tfjs-slots.ts'

const suffix = '/inner'

/** An optimizer as serialised in a saved model. */
interface Written {
  readonly className: string
  readonly config: tf.serialization.ConfigDict
}

/** Whether a value is an optimizer, possibly serialised. */
export const isOptimizer = (value: unknown): boolean =>
  typeof (value as Partial<tf.Optimizer> | null | undefined)?.applyGradients === 'function' ||
  typeof (value as Partial<Written> | null | undefined)?.className === 'string'

const toOptimizer = (given: tf.Optimizer | Written): tf.Optimizer => {
  if (given instanceof tf.Optimizer) return given
  const known = tf.serialization.SerializationMap.getMap().classNameMap[given.className]
  if (!known) throw new Error(`there is no optimizer '${given.className}': import its package`)
  return known[1](known[0], given.config) as tf.Optimizer
}

/** Base class of optimizers that wrap another one, `inner`, and save and restore its state together with their own. */
export abstract class OuterOptimizer<R extends string = never> extends SlotOptimizer<R> {
  readonly inner: tf.Optimizer
  /** The inner rate when this optimizer's rate is `base`. */
  protected readonly innerRate: number
  private readonly base: number
  /** Whether the names of the inner slots come from a file. */
  private innerLoaded = false

  /**
   * @param base the rate of this optimizer at which the inner one keeps its current rate @defaultValue the inner rate
   */
  constructor(
    where: string,
    roles: readonly R[],
    inner: tf.Optimizer | Written,
    rates?: { readonly rate: number; readonly base: number; readonly innerRate?: number },
  ) {
    const optimizer = toOptimizer(inner)
    super(where, rates?.rate ?? rateOf(optimizer), roles)
    this.inner = optimizer
    this.innerRate = rates?.innerRate ?? rateOf(optimizer)
    this.base = rates?.base ?? this.innerRate
  }

  /** @param rate at least 0; the inner optimizer's rate changes in proportion */
  override setLearningRate(rate: number): void {
    super.setLearningRate(rate)
    setRateOf(this.inner, this.base === this.innerRate ? rate : (rate * this.innerRate) / this.base)
  }

  override setDecayFactors(factors: Readonly<Record<string, number>>): void {
    super.setDecayFactors(factors)
    setDecayFactors(this.inner, factors)
  }

  /** Takes the inner optimizer's step. */
  protected stepInside(parts: readonly Pick<Part<R>, 'variable' | 'gradient'>[]): void {
    const names = parts.map(({ variable }) => variable.name)
    const lists = listsOf(this.inner)
    for (const [field, list] of this.innerLoaded ? lists : [])
      if (list.length === names.length)
        for (const [i, slot] of list.entries())
          Object.assign(slot, { originalName: `${names[i]}/${field}` })
    this.innerLoaded = false
    for (const [, list] of lists)
      if (list.length > 0 && list.map(nameOf).join() !== names.join())
        throw new Error(
          `${this.where}: expected gradients of the same variables in each step, as ` +
            `${this.inner.getClassName()} identifies them by position, got ${names.join(', ')}. Wrap an optimizer of ` +
            `this project instead, such as sgd or adamw.`,
        )
    this.inner.applyGradients(
      parts.map(({ variable, gradient }) => ({ name: variable.name, tensor: gradient })),
    )
  }

  override async getWeights(): Promise<NamedTensors> {
    const own = await super.getWeights()
    const inner = await weightsOf(this.inner)
    return [...own, ...inner.map(({ name, tensor }) => ({ name: `${name}${suffix}`, tensor }))]
  }

  override async setWeights(weights: NamedTensors): Promise<void> {
    await super.setWeights(weights.filter(({ name }) => !name.endsWith(suffix)))
    const inner = weights.filter(({ name }) => name.endsWith(suffix))
    await setWeightsOf(
      this.inner,
      inner.map(({ name, tensor }) => ({ name: name.slice(0, -suffix.length), tensor })),
    )
    this.innerLoaded = true
  }

  override dispose(): void {
    super.dispose()
    this.inner.dispose()
  }

  protected get innerConfig(): tf.serialization.ConfigDict {
    return { className: this.inner.getClassName(), config: this.inner.getConfig() }
  }
}

/** The learning rate: a protected field of every tfjs optimizer, without a public getter. */
interface Rated {
  learningRate: number
  setLearningRate?(rate: number): void
}
const rateOf = (optimizer: tf.Optimizer): number => (optimizer as unknown as Rated).learningRate

function setRateOf(optimizer: tf.Optimizer, rate: number): void {
  const rated = optimizer as unknown as Rated
  // SGD and momentum keep the rate in a tensor, which their setter replaces.
  if (rated.setLearningRate) rated.setLearningRate(rate)
  else rated.learningRate = rate
}

/** An optimizer's complete state; the `getWeights` of tfjs's optimizers omits counters. */
async function weightsOf(optimizer: tf.Optimizer): Promise<NamedTensors> {
  const lists = listsOf(optimizer)
  if (lists.length === 0) return optimizer.getWeights()
  return [
    { name: 'iter', tensor: tf.scalar(optimizer.iterations, 'int32') },
    ...countersOf(optimizer).map(([name, tensor]) => ({ name, tensor: tensor as tf.Tensor })),
    ...lists.flatMap(([field, list]) =>
      list.map((slot) => ({
        name: `${nameOf(slot)}/${field}`,
        tensor: slot.variable as tf.Tensor,
      })),
    ),
  ]
}

async function setWeightsOf(optimizer: tf.Optimizer, weights: NamedTensors): Promise<void> {
  const lists = listsOf(optimizer)
  if (lists.length === 0) return optimizer.setWeights(weights)
  const [first, ...others] = weights
  setIterations(optimizer, (await first!.tensor.data())[0]!)
  for (const [name, counter] of countersOf(optimizer))
    counter.assign(others.find((each) => each.name === name)!.tensor)
  for (const [field, list] of lists) {
    tf.dispose(list.map(({ variable }) => variable))
    const own = others.filter(({ name }) => name.endsWith(`/${field}`))
    const slots = own.map(({ name, tensor }) =>
      newSlot(field, { name: name.slice(0, -`/${field}`.length) }, tensor),
    )
    list.splice(0, list.length, ...slots)
  }
}
