import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectClose,
  type Fixture,
  type FixturesOf,
  fromFixture,
  fromFixtures,
  onEachBackend,
} from '@tricks/conformance'
import { createRandom, type Tensors, type TrainingStep, type Variables } from '@tricks/core'
import { sgd } from '@tricks/sgd'
import { expect, test } from 'vitest'
import { perturb, sharpnessAware } from '../src/index.ts'
import fixture from './fixtures/sharpness-aware.json' with { type: 'json' }

interface Case {
  readonly kind: string
  readonly params: { rho: number; adaptive: boolean; learningRate: number; momentum: number }
  readonly inputs: Readonly<Record<string, FixturesOf<Tensors>>>
  readonly expected: { weights: unknown }
}
const cases = fixture.cases as unknown as readonly Case[]
const perturbations = cases.filter(({ kind }) => kind === 'perturbation')
const runs = cases.filter(({ kind }) => kind !== 'perturbation')

const stepAt = (step: number, variables: Variables): TrainingStep =>
  ({
    variables,
    time: { step, stepsPerEpoch: 10, steps: 100 },
    random: createRandom(1),
  }) as unknown as TrainingStep

onEachBackend(() => {
  test.each(perturbations)(
    'perturbs like the reference: $params',
    ({ params, inputs, expected }) => {
      const weights = fromFixtures<Tensors>(inputs['weights']!)
      const gradients = fromFixtures<Tensors>(inputs['gradients']!)
      const before = tf.memory().numTensors
      const worst = perturb(weights, gradients, params)
      expect(tf.memory().numTensors - before).toBe(Object.keys(worst).length)
      expectClose(worst, expected.weights as Record<string, Fixture>, { absolute: 1e-6 })
    },
  )

  test.each(runs)('takes the same steps as the reference: $kind, $params', (each) => {
    const { kind, params, inputs, expected } = each
    const { rho, adaptive, learningRate, momentum } = params
    const start = fromFixtures<Tensors>(inputs['start']!)
    const variables: Variables = Object.fromEntries(
      Object.entries(start).map(([path, value]) => [path, tf.variable(value)]),
    )
    const { w, b } = variables as { w: tf.Variable; b: tf.Variable }
    const other = (name: string): tf.Tensor => fromFixture(inputs[name] as unknown as Fixture)
    const loss = (): tf.Scalar => {
      if (kind === 'quadratic') {
        const row = tf.reshape<tf.Rank.R2>(w, [1, -1])
        const product = tf.matMul(tf.matMul(row, other('A') as tf.Tensor2D), row, false, true)
        return tf.mul(tf.add(tf.sum(product), tf.sum(tf.square(b))), 0.5)
      }
      const x = other('x') as tf.Tensor2D
      const logits = tf.add(tf.reshape(tf.matMul(x, tf.reshape(w, [-1, 1])), [-1]), b)
      // log(1 + e^z) − y z
      return tf.mean(tf.sub(tf.softplus(logits), tf.mul(other('y'), logits)))
    }
    const next = (): Tensors => {
      const { grads } = tf.variableGrads(loss, [w, b])
      return { w: grads[w.name]!, b: grads[b.name]! }
    }
    const trick = sharpnessAware({ rho, adaptive })
    const optimizer = sgd({ learningRate, momentum })
    const steps = expected.weights as Record<string, Fixture>[]
    for (const [step, weights] of steps.entries()) {
      const { w: ofW, b: ofB } = trick.gradients!(next, stepAt(step, variables))
      optimizer.applyGradients({ [w.name]: ofW!, [b.name]: ofB! })
      expectClose({ w, b }, weights, { absolute: 5e-6, relative: 5e-5 })
    }
  })

  test('gradients and weights of 0 stay finite, and a rho of 0 changes nothing', () => {
    const zeros = { kernel: tf.zeros([2]), scale: tf.scalar(0) }
    const ones = { kernel: tf.ones([2]), scale: tf.scalar(1) }
    for (const adaptive of [false, true]) {
      expectClose(perturb(ones, zeros, { adaptive }), ones)
      expectClose(perturb(ones, ones, { adaptive, rho: 0 }), ones)
    }
    expectClose(perturb(zeros, ones, { adaptive: true, rho: 10 }), zeros)
  })

  test('perturbs the weights at intervals and restores them, even after errors', () => {
    const kernel = tf.variable(tf.tensor1d([1, 2]))
    const seen: (readonly [number[], string | undefined])[] = []
    const next = (options?: { statistics?: string }): Tensors => {
      seen.push([[...kernel.dataSync()], options?.statistics])
      if (seen.length > 4) throw new Error('no memory')
      return { kernel: tf.tensor1d([3, 4]) }
    }
    const trick = sharpnessAware({ rho: 5, every: 2 })
    const take = (step: number): unknown => trick.gradients!(next, stepAt(step, { kernel }))
    for (const step of [0, 1, 3]) take(step)
    expect(seen).toEqual([
      [[1, 2], undefined],
      [[4, 6], 'keep'],
      [[1, 2], undefined],
      [[1, 2], undefined],
    ])
    seen.length = 3
    expect(() => take(4)).toThrow('no memory')
    expect([...kernel.dataSync()]).toEqual([1, 2])
  })
})

test('rejects invalid parameters', () => {
  const one = { kernel: tf.ones([2]) }
  for (const wrong of [-1, NaN, Infinity, '1', null])
    expect(() => perturb(one, one, { rho: wrong as number })).toThrow(
      'sharpness-aware: expected rho to be a number in [0, 1000000]',
    )
  for (const weights of [{}, { kernel: tf.ones([3]) }] as Tensors[])
    expect(() => perturb(weights, one)).toThrow(
      'sharpness-aware: expected kernel to be of the shape [2] of its gradient',
    )
})

const invalid = [
  () => sharpnessAware({ rho: -0.1 }),
  () => sharpnessAware({ rho: NaN }),
  () => sharpnessAware({ rho: '0.05' as never }),
  () => sharpnessAware({ adaptive: 1 as never }),
  () => sharpnessAware({ every: 0 }),
  () => sharpnessAware({ every: 1.5 }),
  () => sharpnessAware({ radius: 0.05 } as never),
]
conformance(() => sharpnessAware(), { invalid })
conformance(() => sharpnessAware({ rho: 0.5, adaptive: true, every: 3 }))
