// Stopping a run and resuming it in another process is bit-equal, with each of the project's optimizers.
import * as tf from '@tensorflow/tfjs-core'
import { adamw } from '@tricks/adamw'
import type { Trick } from '@tricks/core'
import { lamb } from '@tricks/lamb'
import { lars } from '@tricks/lars'
import { lion } from '@tricks/lion'
import { lookahead } from '@tricks/lookahead'
import { muon } from '@tricks/muon'
import { averagedWeights, scheduleFreeAdamw, scheduleFreeSgd } from '@tricks/schedule-free'
import { sgd } from '@tricks/sgd'
import { describe, expect, test } from 'vitest'
import { type Checkpoint, train, type TrainOptions, variablesOf } from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

const makers: Record<string, () => tf.Optimizer> = {
  adamw: () => adamw({ learningRate: 0.01, weightDecay: 0.1 }),
  sgd: () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  'sgd without momentum': () => sgd({ learningRate: 0.1 }),
  lamb: () => lamb({ learningRate: 0.01 }),
  lars: () => lars({ learningRate: 1, momentum: 0.9, weightDecay: 0.01 }),
  lion: () => lion({ learningRate: 0.003 }),
  'lookahead around momentum': () => lookahead(tf.train.momentum(0.1, 0.9), { every: 3 }),
  "lookahead around tfjs's adam": () => lookahead(tf.train.adam(0.01), { every: 3 }),
  'muon and adamw': () => muon({ learningRate: 0.02, inner: adamw({ learningRate: 0.003 }) }),
  "muon and tfjs's adam": () => muon({ learningRate: 0.02, inner: tf.train.adam(0.003) }),
  'lookahead around muon': () => lookahead(muon({ inner: adamw() }), { every: 2 }),
  'schedule-free sgd': () => scheduleFreeSgd({ learningRate: 0.5, warmupSteps: 3 }),
  'schedule-free adamw': () => scheduleFreeAdamw({ learningRate: 0.02 }),
}

const optionsOf = (optimizer: tf.Optimizer, more: Partial<TrainOptions> = {}): TrainOptions => ({
  model: denseModel(),
  data: { train: blobs(90), test: blobs(30, 1) },
  optimizer,
  epochs: 3,
  batchSize: 20,
  tricks: 'evaluationWeights' in optimizer ? [averagedWeights(optimizer as never)] : [],
  ...more,
})
const weightsOf = (model: TrainOptions['model']): number[] =>
  Object.values(variablesOf(model)).flatMap((variable) => [...variable.dataSync()])

describe.each(Object.entries(makers))('%s', (_, make) => {
  test('stopped and resumed with other variable names, it is bit-equal', async () => {
    await tf.setBackend('cpu')
    const whole = optionsOf(make())
    const result = await train(whole)
    expect(result.test!.accuracy).toBeGreaterThan(0.5)
    const checkpoints: Checkpoint[] = []
    const save = (checkpoint: Checkpoint): void => void checkpoints.push(checkpoint)
    await train(optionsOf(make(), { checkpoint: { every: { steps: 5 }, save } }))
    for (const resume of checkpoints.slice(0, 2)) {
      const options = optionsOf(make(), { resume })
      expect((await train(options)).test).toEqual(result.test)
      expect(weightsOf(options.model)).toEqual(weightsOf(whole.model))
    }
  })
})

test('a trick excludes biases from the weight decay', async () => {
  await tf.setBackend('cpu')
  const kernelsOnly: Trick = {
    name: 'kernels-only',
    options: {},
    multipliers: (path) => (path.endsWith('bias') ? { decay: 0 } : {}),
  }
  const after = async (weightDecay: number, tricks: Trick[]): Promise<number[][]> => {
    const options = optionsOf(sgd({ learningRate: 1e-6, weightDecay }), { tricks, epochs: 1 })
    const variables = variablesOf(options.model)
    for (const variable of Object.values(variables)) variable.assign(tf.onesLike(variable))
    await train(options)
    return Object.values(variables).map((variable) => [...variable.dataSync()])
  }
  const [[kernel], [plainKernel]] = [await after(1e4, [kernelsOnly]), await after(0, [])]
  const [, bias] = await after(1e4, [kernelsOnly])
  const [, decayed] = await after(1e4, [])
  expect(Math.max(...kernel!)).toBeLessThan(Math.min(...plainKernel!) - 0.02)
  expect(Math.min(...bias!)).toBeGreaterThan(0.999)
  expect(Math.max(...decayed!)).toBeLessThan(0.98)
})
