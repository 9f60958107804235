import * as tf from '@tensorflow/tfjs-core'
import { assertArgument } from '@tricks/core'

/** `[{ name, tensor }]`, which tfjs-core doesn't export by name. */
export type NamedTensors = Parameters<tf.Optimizer['setWeights']>[0]

/** A variable's state: a tensor per role, and its number of steps. */
interface Slot<R extends string> {
  /** Unknown for a loaded slot until its variable is seen. */
  owner?: tf.Variable
  readonly tensors: Readonly<Record<R, tf.Variable>>
  steps: number
}

/** A variable's part in a step. */
export interface Part<R extends string> {
  readonly variable: tf.Variable
  readonly gradient: tf.Tensor
  /** The variable's state by role, to be assigned to. */
  readonly kept: Readonly<Record<R, tf.Variable>>
  /** The variable's own step count, from 1. */
  readonly t: number
  /** The factor of the weight decay for this variable, by default 1. */
  readonly decay: number
}

/**
 * Base class of optimizers with state tensors per variable, by role. They are keyed by the variable's name, and saved
 * and restored exactly; a variable that is added later has its own step count.
 *
 * A subclass defines the roles and `update`, and calls `tf.serialization.registerClass`.
 */
export abstract class SlotOptimizer<R extends string = never> extends tf.Optimizer {
  protected learningRate: number
  /** The prefix of error messages. */
  protected readonly where: string
  protected readonly roles: readonly R[]
  /** Sums over all steps, in float64: saved and restored too. */
  protected readonly totals: Record<string, number> = {}
  private slots: Map<string, Slot<R>> = new Map()
  private decays: Readonly<Record<string, number>> = {}
  /** Whether the slots' names come from a file, possibly from a process with other variable names. */
  private loaded = false

  constructor(where: string, learningRate: number, roles: readonly R[]) {
    super()
    this.where = where
    this.learningRate = learningRate
    this.roles = roles
  }

  /** Takes a step: assigns to the variables and their state. Called inside `tf.tidy`. */
  protected abstract update(parts: readonly Part<R>[]): void

  /** A variable's state before its first step; zeros by default. */
  protected initial(_role: R, variable: tf.Variable): tf.Tensor {
    return tf.zeros(variable.shape)
  }

  /** @param rate at least 0 */
  setLearningRate(rate: number): void {
    const valid = Number.isFinite(rate) && rate >= 0
    assertArgument(valid, this.where, { learningRate: rate }, 'a number of at least 0')
    this.learningRate = rate
  }

  /**
   * Sets factors of the weight decay by variable name; a variable that is absent has 1. `train` calls it with the tricks'
   * `multipliers`.
   */
  setDecayFactors(factors: Readonly<Record<string, number>>): void {
    this.decays = factors
  }

  override applyGradients(gradients: tf.NamedTensorMap | NamedTensors): void {
    const entries = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor] as const)
      : Object.entries(gradients)
    if (this.loaded) this.rename(entries.map(([name]) => name))
    tf.tidy(() => {
      const parts = entries.flatMap(([name, gradient]): Part<R>[] => {
        const variable = tf.engine().registeredVariables[name]
        if (!variable) throw new Error(`${this.where}: there is no variable '${name}'`)
        // As in tfjs's optimizers, a variable without a gradient has a slot too.
        const slot = this.slotOf(name, variable)
        const decay = this.decays[name] ?? 1
        return gradient ? [{ variable, gradient, kept: slot.tensors, t: ++slot.steps, decay }] : []
      })
      // In one order, so that sums over all variables round alike.
      const order = new Map([...this.slots.keys()].map((name, i) => [name, i]))
      const at = ({ variable }: Part<R>): number => order.get(variable.name)!
      this.update(parts.toSorted((a, b) => at(a) - at(b)))
    })
    this.incrementIterations()
  }

  /** The state of each variable that the optimizer has seen. */
  protected *known(): Iterable<Pick<Part<R>, 'variable' | 'kept' | 't'>> {
    for (const [name, { owner, tensors, steps }] of this.slots) {
      const variable = owner ?? tf.engine().registeredVariables[name]
      if (variable) yield { variable, kept: tensors, t: steps }
    }
  }

  private slotOf(name: string, variable: tf.Variable): Slot<R> {
    const known = this.slots.get(name)
    if (known && (known.owner ?? variable) === variable) {
      const kept = this.roles[0] && known.tensors[this.roles[0]].shape
      if (kept && kept.join() !== variable.shape.join())
        throw new Error(
          `${this.where}: the variable '${name}' has shape [${variable.shape.join(', ')}], ` +
            `but its state has [${kept.join(', ')}]`,
        )
      known.owner = variable
      return known
    }
    // The name may have been that of a disposed variable.
    if (known) tf.dispose(known.tensors)
    const made = this.roles.map((role) => [role, tf.variable(this.initial(role, variable), false)])
    const slot: Slot<R> = { owner: variable, tensors: Object.fromEntries(made), steps: 0 }
    this.slots.set(name, slot)
    return slot
  }

  /** Assigns loaded slots to variables: by name if one has all names of the other, otherwise by position. */
  private rename(names: readonly string[]): void {
    this.loaded = false
    const known = names.every((name) => this.slots.has(name))
    if (known || [...this.slots.keys()].every((name) => names.includes(name))) return
    if (names.length !== this.slots.size)
      throw new Error(
        `${this.where}: the loaded weights belong to ${this.slots.size} variables, ` +
          `but there are gradients for ${names.length} others`,
      )
    const slots = [...this.slots.values()]
    this.slots = new Map(names.map((name, i) => [name, slots[i]!]))
  }

  /**
   * The step count, then each role's tensors, in the same order; then, if variables were added later or skipped steps,
   * the count of each; then the totals, if any. The caller owns the counts and totals; the optimizer owns the others.
   */
  override async getWeights(): Promise<NamedTensors> {
    const weights = this.roles.flatMap((role) =>
      [...this.slots].map(([name, slot]) => ({
        name: `${name}/${role}`,
        tensor: slot.tensors[role] as tf.Tensor,
      })),
    )
    const steps = [...this.slots.values()].map((slot) => slot.steps)
    const uneven = this.roles.length > 0 && steps.some((each) => each !== this.iterations)
    const counts = uneven ? [{ name: 'steps', tensor: tf.tensor1d(steps, 'int32') }] : []
    const totals = Float64Array.from(Object.values(this.totals))
    // The bits of the totals, as tensors have no float64.
    const bits = new Int32Array(totals.buffer)
    const sums = totals.length > 0 ? [{ name: 'totals', tensor: tf.tensor1d(bits, 'int32') }] : []
    return [await this.saveIterations(), ...weights, ...counts, ...sums]
  }

  /** @param weights as returned by `getWeights`, in this process or another; they are copied */
  override async setWeights(weights: NamedTensors): Promise<void> {
    const [counts, sums] = ['steps', 'totals'].map((own) =>
      weights.find(({ name }) => name === own),
    )
    const { roles } = this
    const own = weights.length - 1 - (counts ? 1 : 0) - (sums ? 1 : 0)
    const count = roles.length > 0 ? own / roles.length : 0
    const totals = Object.keys(this.totals)
    if (
      weights.length === 0 ||
      !Number.isInteger(count) ||
      (roles.length === 0 && own > 0) ||
      (counts && counts.tensor.size !== count) ||
      (sums?.tensor.size ?? 0) !== 2 * totals.length
    )
      throw new Error(
        `${this.where}: expected the step count and ${roles.length} tensors per variable, got ${weights.length} tensors`,
      )
    const values = await this.extractIterations([...weights])
    const steps = await counts?.tensor.data()
    if (sums) {
      const bits = Int32Array.from(await sums.tensor.data())
      const read = new Float64Array(bits.buffer)
      for (const [i, name] of totals.entries()) this.totals[name] = read[i]!
    }
    const previous = this.slots
    this.slots = new Map(
      Array.from({ length: count }, (_, i) => {
        const copies = roles.map((role, at) => [
          role,
          tf.variable(values[at * count + i]!.tensor, false),
        ])
        const name = values[i]!.name.slice(0, -`/${roles[0]}`.length)
        const tensors = Object.fromEntries(copies) as Slot<R>['tensors']
        return [name, { tensors, steps: steps?.[i] ?? this.iterations }]
      }),
    )
    this.loaded = roles.length > 0
    disposeAll(previous)
  }

  override dispose(): void {
    super.dispose()
    disposeAll(this.slots)
    this.slots.clear()
    for (const name of Object.keys(this.totals)) this.totals[name] = 0
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

const disposeAll = (slots: ReadonlyMap<string, Slot<string>>): void =>
  tf.dispose([...slots.values()].flatMap(({ tensors }) => Object.values(tensors)))

/**
 * Sets factors of the weight decay by variable name, in an optimizer that decays weights; others have nothing to scale.
 *
 * @example
 * setDecayFactors(optimizer, { [kernel.name]: 0 })
 */
export function setDecayFactors(
  optimizer: tf.Optimizer,
  factors: Readonly<Record<string, number>>,
): void {
  // Not by instanceof: an optimizer may come from another copy of this package.
  ;(optimizer as Partial<Pick<SlotOptimizer, 'setDecayFactors'>>).setDecayFactors?.(factors)
}
