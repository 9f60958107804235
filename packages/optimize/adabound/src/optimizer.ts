import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'
import { hasKernel, runKernel } from '@tricks/kernels'
import { type AdaBoundOptions, adaboundOptions } from './options.ts'

/** `[{ name, tensor }]`, which tfjs-core doesn't export by name. */
type NamedTensors = Parameters<tf.Optimizer['setWeights']>[0]

/** A variable's state: the means m and v, the largest v with AMSBound, and its number of steps. */
interface Slot {
  /** Unknown for a loaded slot until its variable is seen. */
  owner?: tf.Variable
  readonly m: tf.Variable
  readonly v: tf.Variable
  readonly max?: tf.Variable
  steps: number
}

type Update = (variable: tf.Variable, gradient: tf.Tensor, slot: Slot) => void

/** The optimizer that `adabound` creates. Its slots are keyed by variable name and saved in a fixed order. */
export class AdaBound extends tf.Optimizer {
  static readonly className: string = 'AdaBound'

  protected learningRate: number
  private readonly options: Required<AdaBoundOptions>
  private slots: Map<string, Slot> = new Map()
  /** Whether the slots' names come from a file, possibly from a process with other variable names. */
  private loaded = false

  constructor(given: AdaBoundOptions = {}) {
    super()
    const options = adaboundOptions.parse(given)
    const { learningRate, baseLearningRate = learningRate } = options
    const known = adaboundOptions.kinds.baseLearningRate.accepts(baseLearningRate)
    const range = 'a number from 1e-20 to 1e6, or 0 with a baseLearningRate'
    assertArgument(known, 'adabound', { learningRate }, range)
    this.learningRate = learningRate
    this.options = { ...options, baseLearningRate }
  }

  /** @param rate at least 0; the final rate changes in proportion */
  setLearningRate(rate: number): void {
    const valid = Number.isFinite(rate) && rate >= 0
    assertArgument(valid, 'adabound', { learningRate: rate }, 'a number of at least 0')
    this.learningRate = rate
  }

  override applyGradients(gradients: tf.NamedTensorMap | NamedTensors): void {
    const entries = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor] as const)
      : Object.entries(gradients)
    if (this.loaded) this.rename(entries.map(([name]) => name))

    tf.tidy(() => {
      const updates = new Map<number, Update>()
      for (const [name, gradient] of entries) {
        const variable = tf.engine().registeredVariables[name]
        if (!variable) throw new Error(`adabound: there is no variable '${name}'`)
        // As in tfjs's optimizers, a variable without a gradient has a slot too.
        const slot = this.slotOf(name, variable)
        if (!gradient) continue
        const t = ++slot.steps
        const update = updates.get(t) ?? this.updater(t)
        updates.set(t, update)
        update(variable, gradient, slot)
      }
    })
    this.incrementIterations()
  }

  /** How a variable takes its step t, from 1: by a kernel if the backend has one, which doesn't support AMSBound. */
  private updater(t: number): Update {
    const { beta1, beta2, gamma, epsilon, weightDecay, decoupled, amsbound } = this.options
    const { finalLearningRate, baseLearningRate } = this.options
    const final = (finalLearningRate * this.learningRate) / baseLearningRate
    const rate = (this.learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t)
    const lower = final * (1 - 1 / (gamma * t + 1))
    const upper = final * (1 + 1 / (gamma * t))
    const [decay, kept] = decoupled ? [0, 1 - weightDecay] : [weightDecay, 1]
    if (!amsbound && hasKernel('AdaBoundUpdate')) {
      const list = [rate, lower, upper, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, decay, kept]
      const numbers = tf.tensor1d(list)
      return (variable, gradient, { m, v }) => {
        const inputs = { variable, gradient, m, v, numbers }
        const made = runKernel('AdaBoundUpdate', inputs)
        ;[variable, m, v].forEach((each, i) => each.assign(made[i]!))
      }
    }
    return (variable, gradient, { m, v, max }) => {
      const g = decay > 0 ? tf.add(gradient, tf.mul(variable, decay)) : gradient
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)))
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)))
      max?.assign(tf.maximum(max, v))
      const rates = tf.clipByValue(tf.div(rate, tf.add(tf.sqrt(max ?? v), epsilon)), lower, upper)
      const before = kept < 1 ? tf.mul(variable, kept) : variable
      variable.assign(tf.sub(before, tf.mul(rates, m)))
    }
  }

  private slotOf(name: string, variable: tf.Variable): Slot {
    const known = this.slots.get(name)
    if (known && (known.owner ?? variable) === variable) {
      if (known.m.shape.join() !== variable.shape.join())
        throw new Error(
          `adabound: the variable '${name}' has shape [${variable.shape.join(', ')}], ` +
            `but its state has [${known.m.shape.join(', ')}]`,
        )
      known.owner = variable
      return known
    }
    // The name may have been that of a disposed variable.
    if (known) disposeSlots([known])
    const zeros = (): tf.Variable => tf.variable(tf.zeros(variable.shape), false)
    const max = this.options.amsbound && { max: zeros() }
    const slot: Slot = { owner: variable, m: zeros(), v: zeros(), ...max, steps: 0 }
    this.slots.set(name, slot)
    return slot
  }

  /** Assigns loaded slots to variables: by name if all names are known, otherwise by position. */
  private rename(names: readonly string[]): void {
    this.loaded = false
    if (names.every((name) => this.slots.has(name))) return
    if (names.length !== this.slots.size)
      throw new Error(
        `adabound: the loaded weights belong to ${this.slots.size} variables, ` +
          `but there are gradients for ${names.length} others`,
      )
    const slots = [...this.slots.values()]
    this.slots = new Map(names.map((name, i) => [name, slots[i]!]))
  }

  /**
   * The step count, then each role's tensors, m, v and max, in the same order; then, if variables were added later or
   * skipped steps, the count of each. The caller owns the counts; the optimizer owns the others.
   */
  override async getWeights(): Promise<NamedTensors> {
    const weights = this.roles().flatMap((role) =>
      [...this.slots].map(([name, slot]) => ({ name: `${name}/${role}`, tensor: slot[role]! })),
    )
    const steps = [...this.slots.values()].map((slot) => slot.steps)
    const uneven = steps.some((each) => each !== this.iterations)
    const counts = uneven ? [{ name: 'steps', tensor: tf.tensor1d(steps, 'int32') }] : []
    return [await this.saveIterations(), ...weights, ...counts]
  }

  /** @param weights as returned by `getWeights`, in this process or another; they are copied */
  override async setWeights(weights: NamedTensors): Promise<void> {
    const counts = weights.find(({ name }) => name === 'steps')
    const roles = this.roles()
    const count = (weights.length - (counts ? 2 : 1)) / roles.length
    if (!Number.isInteger(count) || (counts && counts.tensor.size !== count))
      throw new Error(
        `adabound: expected the step count and ${roles.length} tensors per variable, got ${weights.length} tensors`,
      )
    const values = await this.extractIterations(weights)
    const steps = await counts?.tensor.data()
    const previous = this.slots
    const copy = (index: number): tf.Variable => tf.variable(values[index]!.tensor, false)
    this.slots = new Map(
      Array.from({ length: count }, (_, i) => [
        values[i]!.name.replace(/\/m$/, ''),
        {
          m: copy(i),
          v: copy(count + i),
          ...(roles[2] && { max: copy(2 * count + i) }),
          steps: steps?.[i] ?? this.iterations,
        },
      ]),
    )
    this.loaded = true
    disposeSlots(previous.values())
  }

  private roles(): readonly ('m' | 'v' | 'max')[] {
    return this.options.amsbound ? ['m', 'v', 'max'] : ['m', 'v']
  }

  override dispose(): void {
    super.dispose()
    disposeSlots(this.slots.values())
    this.slots.clear()
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...this.options, learningRate: this.learningRate }
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    constructor: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    // tfjs-layers adds its custom objects to the config.
    const { customObjects: _, ...own } = config
    return new constructor(own)
  }
}

tf.serialization.registerClass(AdaBound)

function disposeSlots(slots: Iterable<Slot>): void {
  for (const { m, v, max } of slots) tf.dispose(max ? [m, v, max] : [m, v])
}
