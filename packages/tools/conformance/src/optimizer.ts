import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { onEachBackend } from './suite.ts'

export interface OptimizerOptions {
  /** Calls that must throw `name: expected OPTION to be RANGE, got VALUE`. */
  readonly invalid?: readonly (() => unknown)[]
}

const shapes = [[], [3], [2, 3], [5, 2], [3, 2, 2, 4], [2, 2, 3, 1]]

/** Variables of several shapes, including a depthwise filter, and one with all values 0. */
function fresh(names?: readonly string[]): tf.Variable[] {
  return shapes.map((shape, i) => {
    const size = tf.util.sizeFromShape(shape)
    const values = Float32Array.from({ length: size }, (_, k) =>
      i === 1 ? 0 : Math.sin(7 * k + i) + 0.1,
    )
    return tf.tidy(() => tf.variable(tf.tensor(values, shape), true, names?.[i]))
  })
}

const gradientOf = (shape: readonly number[], at: number): tf.Tensor => {
  const size = tf.util.sizeFromShape([...shape])
  return tf.tensor(
    Float32Array.from({ length: size }, (_, k) => Math.cos(3 * k + at) * (1 + (at % 3))),
    [...shape],
  )
}

type Gradients = { name: string; tensor: tf.Tensor }[]
const gradientsAt = (variables: readonly tf.Variable[], step: number): Gradients =>
  variables.map(({ name, shape }, i) => ({ name, tensor: gradientOf(shape, step + i) }))

function take(
  optimizer: tf.Optimizer,
  variables: readonly tf.Variable[],
  [from, to]: readonly [number, number],
  change: (gradients: Gradients) => Gradients = (gradients) => gradients,
): void {
  for (let step = from; step < to; step++)
    tf.tidy(() => optimizer.applyGradients(change(gradientsAt(variables, step))))
}
const valuesOf = (variables: readonly tf.Variable[]): number[][] =>
  variables.map((variable) => [...variable.dataSync()])

/** Copies, as tensors returned by an optimizer belong to it and change with its next step. */
const copiesOf = (weights: Gradients): Gradients =>
  weights.map(({ name, tensor }) => ({ name, tensor: tensor.clone() }))

interface Rated extends tf.Optimizer {
  setLearningRate(rate: number): void
}

/** A new optimizer from another one's class and config, as for a saved model. */
function rebuilt(optimizer: tf.Optimizer): tf.Optimizer {
  const known = tf.serialization.SerializationMap.getMap().classNameMap
  const [constructor, fromConfig] = known[optimizer.getClassName()]!
  const config = JSON.parse(JSON.stringify(optimizer.getConfig())) as tf.serialization.ConfigDict
  return fromConfig(constructor, config) as tf.Optimizer
}

/**
 * Tests that every optimizer must pass on each backend: saved and restored, it continues bit for bit, under other
 * variable names and after its rate was changed; a variable's state is keyed by name, whatever the order of the
 * gradients and even if variables are added; it leaves no tensor behind; everything stays finite if gradients are 0; a
 * variable without a gradient, and a rate of 0, change nothing; it can be rebuilt from its config.
 *
 * @param make a new optimizer each time, with `setLearningRate`
 * @example
 * optimizerConformance(() => tf.train.sgd(0.1))
 */
export function optimizerConformance(
  make: () => tf.Optimizer,
  { invalid = [] }: OptimizerOptions = {},
): void {
  onEachBackend(() => {
    test('saved, restored and continued, it is bit-equal, under any names of the variables', async () => {
      for (const rate of [undefined, 0.02]) {
        const whole = fresh()
        const first = make() as Rated
        take(first, whole, [0, 5])
        if (rate !== undefined) first.setLearningRate(rate)
        const saved = copiesOf(await first.getWeights())
        const copies = whole.map((variable) => tf.variable(variable.clone()))
        const second = rebuilt(first)
        await second.setWeights(saved)
        take(first, whole, [5, 14])
        take(second, copies, [5, 14])
        expect(valuesOf(copies)).toEqual(valuesOf(whole))
        expect(second.iterations).toBe(14)
        expect(second.getConfig()).toEqual(first.getConfig())
      }
    })

    test('its state is keyed by variable, for any order of gradients, even after restoring', async () => {
      const names = shapes.map((_, i) => `conformance/${i}/kernel`)
      const [forwards, one] = [fresh(names), make()]
      take(one, forwards, [0, 3])
      const saved = copiesOf(await one.getWeights())
      const expected = [valuesOf(forwards)]
      take(one, forwards, [3, 6])
      expected.push(valuesOf(forwards))
      tf.dispose(forwards)
      const again = fresh(names)
      again.forEach((variable, i) => variable.assign(tf.tensor(expected[0]![i]!, variable.shape)))
      const other = make()
      await other.setWeights(saved)
      take(other, again, [3, 6], (gradients) => gradients.toReversed())
      expect(valuesOf(again)).toEqual(expected[1])
      tf.dispose(again)
    })

    test('variables that are added later or skipped are saved and restored exactly', async () => {
      const [whole, alone] = [fresh(), fresh()]
      let [joint, own] = [make(), make()]
      for (let step = 0; step < 12; step++) {
        const some =
          ({ length }: Gradients): ((_: unknown, i: number) => boolean) =>
          (_, i) =>
            step < 3 ? i < 2 : step < 8 || i > 0 || length === 0
        const change = (gradients: Gradients): Gradients => gradients.filter(some(gradients))
        take(own, alone, [step, step + 1], change)
        take(joint, whole, [step, step + 1], change)
        if (step % 3 > 0) continue
        const next = make()
        await next.setWeights(await joint.getWeights())
        joint = next
      }
      expect(valuesOf(whole)).toEqual(valuesOf(alone))
    })

    test('leaves no tensor behind, even after setWeights and dispose', async () => {
      const variables = fresh()
      const before = tf.memory().numTensors
      const optimizer = make()
      take(optimizer, variables, [0, 1])
      const after = tf.memory().numTensors
      take(optimizer, variables, [1, 9])
      expect(tf.memory().numTensors).toBe(after)
      const saved = await optimizer.getWeights()
      const held = tf.memory().numTensors
      await optimizer.setWeights(saved.map(({ name, tensor }) => ({ name, tensor })))
      take(optimizer, variables, [9, 10])
      expect(tf.memory().numTensors).toBe(held)
      optimizer.dispose()
      // The saved counts belong to the caller.
      expect(tf.memory().numTensors).toBe(before + held - after)
    })

    test('its state is not trainable', () => {
      const trainable = (): number =>
        Object.values(tf.engine().registeredVariables).filter((each) => each.trainable).length
      const variables = fresh()
      const before = trainable()
      take(make(), variables, [0, 3])
      expect(trainable()).toBe(before)
    })

    test('everything stays finite with gradients of 0', () => {
      const variables = fresh()
      const optimizer = make()
      const nothing = (gradients: Gradients): Gradients =>
        gradients.map(({ name, tensor }) => ({ name, tensor: tf.zerosLike(tensor) }))
      take(optimizer, variables, [0, 7], nothing)
      expect(valuesOf(variables).flat().every(Number.isFinite)).toBe(true)
      take(optimizer, variables, [7, 9])
      expect(valuesOf(variables).flat().every(Number.isFinite)).toBe(true)
      expect(valuesOf(variables)).not.toEqual(valuesOf(fresh()))
    })

    test("variables without a gradient don't change, nor do any with a rate of 0", () => {
      const variables = fresh()
      const optimizer = make() as Rated
      const third = (gradients: Gradients): Gradients =>
        gradients.map((each, i) => (i === 2 ? { ...each, tensor: null as never } : each))
      take(optimizer, variables, [0, 2], third)
      expect(valuesOf([variables[2]!])).toEqual(valuesOf([fresh()[2]!]))
      const still = fresh()
      const idle = make() as Rated
      idle.setLearningRate(0)
      take(idle, still, [0, 3])
      expect(valuesOf(still)).toEqual(valuesOf(fresh()))
      idle.setLearningRate(0.1)
      take(idle, still, [3, 4])
      expect(valuesOf(still)).not.toEqual(valuesOf(fresh()))
    })
  })

  test('can be rebuilt from its config', () => {
    const optimizer = make() as Rated
    expect(optimizer).toBeInstanceOf(tf.Optimizer)
    optimizer.setLearningRate(0.0125)
    const again = rebuilt(optimizer)
    expect(again.constructor).toBe(optimizer.constructor)
    expect(again.getConfig()).toEqual(optimizer.getConfig())
  })

  test('an unknown variable and an invalid rate are rejected', () => {
    const optimizer = make() as Rated
    expect(() => optimizer.applyGradients({ nobody: tf.scalar(1) })).toThrow(
      "there is no variable 'nobody'",
    )
    for (const wrong of [Infinity, -1, NaN, '0.1', null])
      expect(() => optimizer.setLearningRate(wrong as number)).toThrow(
        `expected learningRate to be a number of at least 0, got ${wrong}`,
      )
  })

  if (invalid.length > 0)
    describe('rejects invalid options, naming option, value and range', () => {
      test.each(invalid.map((call) => [String(call).replace(/^\(\) => /, ''), call] as const))(
        '%s',
        (_, call) => {
          expect(call).toThrow(/^[a-z-]+: expected .+ to be .+, got .+/)
        },
      )
    })
}
