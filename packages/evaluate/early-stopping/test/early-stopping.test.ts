import * as tf from '@tensorflow/tfjs-core'
import { conformance, onEachBackend } from '@tricks/conformance'
import { type End, type Epoch, type Run, type Time, type Variables } from '@tricks/core'
import { composeRun, type RunPipeline } from '@tricks/core/run'
import { expect, test } from 'vitest'
import { earlyStopping, type EarlyStoppingOptions, stopsAt } from '../src/index.ts'
import fixture from './fixtures/early-stopping.json' with { type: 'json' }

test.each(fixture.cases)('matches the reference: $params', ({ inputs, params, expected }) => {
  const options = { ...params, mode: params.mode as 'min' | 'max' }
  expect(stopsAt(inputs.metric, options)).toEqual({
    stop: expected.stoppedAfter,
    best: expected.bestEpoch,
  })
})

test.each<[number[], EarlyStoppingOptions, number | null, number | null]>([
  [[], {}, null, null],
  [[3, 1, 2, 2], { patience: 2 }, 3, 1],
  [[3, 1, 2, 0.5, 2, 2], { patience: 2 }, 5, 3],
  [[1, 1], { patience: 1 }, 1, 0],
  [[1, 0.75], { patience: 1, minDelta: 0.25 }, 1, 0],
  [[NaN, NaN], { patience: 2 }, 1, null],
  [[NaN, 2, NaN], { patience: 2 }, null, 1],
])('%j with %j: stops at %s, best is %s', (history, options, stop, best) => {
  expect(stopsAt(history, options)).toEqual({ stop, best })
})

const run = (variables: Variables): Omit<Run, 'random'> => ({ variables }) as Omit<Run, 'random'>
const timeAfter = (epoch: number): Time => ({
  step: 2 * (epoch + 1),
  stepsPerEpoch: 2,
  steps: 10,
})

/** Runs five epochs in which the single weight equals the epoch number, then ends the run. */
function follow(
  pipeline: RunPipeline,
  losses: number[],
  variables: Variables,
  reason: End['reason'] = 'stopped',
): { stops: (string | undefined)[]; weights: number[] } {
  const weight = (): number => variables['dense/kernel']!.dataSync()[0]!
  const stops: (string | undefined)[] = []
  const weights: number[] = []
  for (const [epoch, loss] of losses.entries()) {
    tf.tidy(() => variables['dense/kernel']!.assign(tf.tensor1d([epoch])))
    const validation = { loss, accuracy: 1 - loss }
    const time = timeAfter(epoch)
    const done = { epoch, time, training: validation, validation, variables }
    stops.push(pipeline.afterEpoch(done)?.stop)
    weights.push(weight())
  }
  pipeline.finish({ reason, time: timeAfter(losses.length - 1), variables })
  return { stops, weights: [...weights, weight()] }
}
const fresh = (): Variables => ({
  'dense/kernel': tf.tidy(() => tf.variable(tf.tensor1d([0]))),
})
const started = (options: EarlyStoppingOptions, variables: Variables): RunPipeline => {
  const pipeline = composeRun([earlyStopping(options)])
  pipeline.start(run(variables))
  return pipeline
}

onEachBackend(() => {
  test('stops with a reason, and the end of the run restores the weights of the best epoch', () => {
    const variables = fresh()
    const before = tf.memory().numTensors
    const pipeline = started({ patience: 2 }, variables)
    const { stops, weights } = follow(pipeline, [0.5, 0.25, 0.5, 0.75], variables)
    expect(stops).toEqual([
      undefined,
      undefined,
      undefined,
      'the validation loss has not improved for 2 epochs: 0.25 in epoch 1',
    ])
    expect(weights).toEqual([0, 1, 2, 3, 1])
    pipeline.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  test.each(['finished', 'stopped', 'aborted', 'failed'] as const)(
    'restores the best weights if the run %s',
    (reason) => {
      const variables = fresh()
      const pipeline = started({ monitor: 'validation accuracy' }, variables)
      const { stops, weights } = follow(pipeline, [0.5, 0.4, 0.2, 0.3, 0.6], variables, reason)
      expect(stops.every((stop) => stop === undefined)).toBe(true)
      expect(weights).toEqual([0, 1, 2, 3, 4, 2])
    },
  )

  test('keeps the last weights if restoreBest is false', () => {
    const variables = fresh()
    const pipeline = started({ patience: 1, restoreBest: false }, variables)
    const { stops, weights } = follow(pipeline, [0.25, 0.5], variables)
    expect(stops.at(-1)).toBe('the validation loss has not improved for 1 epoch: 0.25 in epoch 0')
    expect(weights).toEqual([0, 1, 1])
  })

  test('its state contains the best weights as tensors, including statistics', () => {
    const variables = { ...fresh(), 'norm/moving_mean': tf.variable(tf.scalar(7), false) }
    const first = started({ patience: 2 }, variables)
    follow(first, [0.5, 0.25, 0.5], variables)
    const saved = first.save()
    const second = started({ patience: 2 }, variables)
    second.restore(saved)
    variables['norm/moving_mean'].assign(tf.scalar(9))
    const done: Epoch = {
      epoch: 3,
      time: timeAfter(3),
      training: { loss: 1, accuracy: 0 },
      validation: { loss: 1, accuracy: 0 },
      variables,
    }
    expect(second.afterEpoch(done)?.stop).toContain('for 2 epochs: 0.25 in epoch 1')
    second.finish({ reason: 'stopped', time: timeAfter(3), variables })
    const values = Object.values(variables).map((variable) => variable.dataSync()[0])
    expect(values).toEqual([1, 7])
    const { weights } = saved['early-stopping'] as unknown as { weights: Variables }
    expect(weights['dense/kernel']!.isDisposed).toBe(false)
  })

  test("a new run starts from scratch and disposes the last one's state", () => {
    const variables = fresh()
    const before = tf.memory().numTensors
    const pipeline = started({ patience: 1 }, variables)
    follow(pipeline, [0.25], variables)
    expect(tf.memory().numTensors).toBe(before + 1)
    pipeline.start(run(variables))
    expect(tf.memory().numTensors).toBe(before)
    expect(follow(pipeline, [0.5], variables).stops).toEqual([undefined])
  })
})

test('without validation, as when training on all data, it does nothing', () => {
  const variables = fresh()
  const pipeline = started({ patience: 1 }, variables)
  for (const epoch of [0, 1, 2]) {
    const training = { loss: 1, accuracy: 0 }
    expect(pipeline.afterEpoch({ epoch, time: timeAfter(epoch), training, variables })).toBe(
      undefined,
    )
  }
  expect(pipeline.save()).toEqual({
    'early-stopping': { progress: { best: null, epoch: null, waited: 0 }, weights: {} },
  })
})

test('the mode depends on the metric by default', () => {
  const modeOf = (options: EarlyStoppingOptions): unknown =>
    (earlyStopping(options).options as EarlyStoppingOptions).mode
  expect(modeOf({})).toBe('min')
  expect(modeOf({ monitor: 'validation accuracy' })).toBe('max')
  expect(modeOf({ monitor: 'validation accuracy', mode: 'min' })).toBe('min')
})

test('stopsAt rejects invalid options and metrics', () => {
  expect(() => stopsAt([1], { patience: 0 })).toThrow(
    'early-stopping: expected patience to be a positive integer, got 0',
  )
  for (const [name, wrong] of [
    ['patience', '2'],
    ['minDelta', NaN],
    ['mode', null],
    ['monitor', 'validation loss'],
  ])
    expect(() => stopsAt([1], { [name!]: wrong })).toThrow(
      `early-stopping: expected ${name === 'monitor' ? 'options' : name} to be`,
    )
  for (const history of [['1'], [null], null, undefined])
    expect(() => stopsAt(history as unknown as number[])).toThrow(
      'early-stopping: expected history to be a list of numbers',
    )
})

conformance(() => earlyStopping({ patience: 1 }), {
  invalid: (
    [
      { patience: 1.5 },
      { minDelta: -1 },
      { mode: 'least' as 'min' },
      { monitor: 'test loss' as 'validation loss' },
      { restoreBest: 1 as unknown as true },
      { patience: '1' as never },
      { patience: null as never },
      { minDelta: NaN },
      { epochs: 5 } as never,
    ] satisfies EarlyStoppingOptions[]
  ).map((options) => () => earlyStopping(options)),
})
