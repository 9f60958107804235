import * as tf from '@tensorflow/tfjs-core'
import { onEachBackend, optimizerConformance } from '@tricks/conformance'
import { describe, expect, test } from 'vitest'
import {
  isOptimizer,
  OuterOptimizer,
  type Part,
  setDecayFactors,
  SlotOptimizer,
} from '../src/index.ts'

/** w = w − rate · (mean of all gradients so far + decay · w), with float64 counts. */
class Averaging extends SlotOptimizer<'sum' | 'first'> {
  static readonly className: string = 'Averaging'
  protected override readonly totals = { steps: 0 }

  constructor({ learningRate = 0.1 }: { learningRate?: number } = {}) {
    super('averaging', learningRate, ['sum', 'first'])
  }

  protected override initial(role: 'sum' | 'first', variable: tf.Variable): tf.Tensor {
    return role === 'first' ? variable.clone() : tf.zeros(variable.shape)
  }

  protected override update(parts: readonly Part<'sum' | 'first'>[]): void {
    this.totals.steps += 0.1
    for (const { variable, gradient, kept, t, decay } of parts) {
      kept.sum.assign(tf.add(kept.sum, gradient))
      const step = tf.add(tf.div(kept.sum, t), tf.mul(kept.first, decay / this.totals.steps))
      variable.assign(tf.sub(variable, tf.mul(step, this.learningRate)))
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate }
  }
}
tf.serialization.registerClass(Averaging)

/** Takes the inner optimizer's steps, and does nothing else. */
class Around extends OuterOptimizer {
  static readonly className: string = 'Around'

  constructor({ inner }: { inner: tf.Optimizer }) {
    super('around', [], inner)
  }

  protected override update(parts: readonly Part<never>[]): void {
    this.stepInside(parts)
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { inner: this.innerConfig }
  }
}
tf.serialization.registerClass(Around)

describe('an optimizer with slots and a total', () => {
  optimizerConformance(() => new Averaging())
})
describe('one around it', () => {
  optimizerConformance(() => new Around({ inner: new Averaging() }))
})
describe('one around another', () => {
  optimizerConformance(() => new Around({ inner: new Around({ inner: new Averaging() }) }))
})

onEachBackend(() => {
  test('names saved tensors by variable and role, role by role', async () => {
    const variables = ['one', 'two'].map((name) => tf.variable(tf.scalar(1), true, `saved/${name}`))
    const optimizer = new Averaging()
    const take = (some: tf.Variable[]): void =>
      optimizer.applyGradients(some.map(({ name }) => ({ name, tensor: tf.scalar(1) })))
    take(variables)
    const names = async (): Promise<string[]> =>
      (await optimizer.getWeights()).map(({ name }) => name)
    const own = ['sum', 'first'].flatMap((role) => variables.map(({ name }) => `${name}/${role}`))
    expect(await names()).toEqual(['iter', ...own, 'totals'])
    take(variables.slice(1))
    expect(await names()).toEqual(['iter', ...own, 'steps', 'totals'])
    tf.dispose(variables)
  })

  test('a variable that reuses a name starts from scratch, as does a disposed optimizer', () => {
    const optimizer = new Averaging()
    const run = (): number => {
      const variable = tf.variable(tf.scalar(2), true, 'twice')
      for (let step = 0; step < 3; step++) optimizer.applyGradients({ twice: tf.scalar(step) })
      const [value] = variable.dataSync()
      variable.dispose()
      return value!
    }
    const first = run()
    optimizer.dispose()
    expect(run()).toBe(first)
  })

  test('a variable’s decay has a factor, even inside another optimizer', () => {
    for (const outer of [
      (inner: Averaging) => inner,
      (inner: Averaging) => new Around({ inner }),
    ]) {
      const [plain, free] = [1, 2].map(() => tf.variable(tf.scalar(1)))
      const optimizer = outer(new Averaging({ learningRate: 0.01 }))
      setDecayFactors(optimizer, { [free!.name]: 0 })
      optimizer.applyGradients({ [plain!.name]: tf.scalar(1), [free!.name]: tf.scalar(1) })
      expect(plain!.dataSync()[0]).toBeCloseTo(1 - 0.01 - 0.1, 6)
      expect(free!.dataSync()[0]).toBeCloseTo(1 - 0.01, 6)
      expect(() => setDecayFactors(tf.train.sgd(0.1), {})).not.toThrow()
    }
  })
})

test('weights of another optimizer, or of other variables, are rejected', async () => {
  const optimizer = new Averaging()
  const one = tf.variable(tf.tensor1d([1, 2]))
  const two = tf.variable(tf.scalar(1))
  const gradientsOf = (variables: tf.Variable[]) =>
    variables.map((variable) => ({ name: variable.name, tensor: tf.onesLike(variable) }))
  optimizer.applyGradients(gradientsOf([one, two]))
  const saved = await optimizer.getWeights()
  const other = new Averaging()
  for (const wrong of [[], saved.slice(1), saved.slice(0, -1), [...saved, saved.at(-2)!]])
    await expect(other.setWeights(wrong)).rejects.toThrow(
      `averaging: expected the step count and 2 tensors per variable, got ${wrong.length} tensors`,
    )
  await other.setWeights(saved)
  const third = tf.variable(tf.scalar(1))
  expect(() => other.applyGradients(gradientsOf([third]))).toThrow(
    'averaging: the loaded weights belong to 2 variables, but there are gradients for 1 others',
  )
  await other.setWeights(saved)
  const [shorter, longer] = [tf.variable(tf.scalar(1)), tf.variable(tf.tensor1d([1, 2]))]
  expect(() => other.applyGradients(gradientsOf([shorter, longer]))).toThrow(
    'but its state has [2]',
  )
})

test('recognises optimizers', () => {
  for (const optimizer of [tf.train.adam(), new Averaging(), { className: 'SGD', config: {} }])
    expect(isOptimizer(optimizer)).toBe(true)
  for (const other of ['adam', undefined, null, {}, 0.1]) expect(isOptimizer(other)).toBe(false)
  const unknown = { className: 'Nobody', config: {} } as never
  expect(() => new Around({ inner: unknown })).toThrow("there is no optimizer 'Nobody'")
})
