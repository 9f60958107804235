import * as tf from '@tensorflow/tfjs-core'
import { conformance, onEachBackend } from '@tricks/conformance'
import { compose, type Epoch, type Run, type Trick, type Variables } from '@tricks/core'
import { expect, test } from 'vitest'
import { earlyStopping, type EarlyStoppingOptions, stopsAt } from '../src/index.ts'
import fixture from './fixtures/early-stopping.json' with { type: 'json' }

test.each(fixture.cases)('as the reference: $params', ({ inputs, params, expected }) => {
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

/** Epochs of a run of five, in which the one weight is the epoch's number. */
function follow(
  trick: Trick,
  losses: number[],
  variables: Variables,
): { stops: (string | undefined)[]; weights: number[] } {
  const stops: (string | undefined)[] = []
  const weights: number[] = []
  for (const [epoch, loss] of losses.entries())
    tf.tidy(() => {
      variables['dense/kernel']!.assign(tf.tensor1d([epoch]))
      const validation = { loss, accuracy: 1 - loss }
      const time = { step: 2 * (epoch + 1), stepsPerEpoch: 2, steps: 10 }
      const verdict = trick.afterEpoch!({
        epoch,
        time,
        training: validation,
        validation,
        variables,
      })
      stops.push(verdict?.stop)
      weights.push(variables['dense/kernel']!.dataSync()[0]!)
    })
  return { stops, weights }
}
const fresh = (): Variables => ({
  'dense/kernel': tf.tidy(() => tf.variable(tf.tensor1d([0]))),
})

onEachBackend(() => {
  test('stops with a reason, the weights of the best epoch put back', () => {
    const variables = fresh()
    const before = tf.memory().numTensors
    const { stops, weights } = follow(
      earlyStopping({ patience: 2 }),
      [0.5, 0.25, 0.5, 0.75],
      variables,
    )
    expect(stops).toEqual([
      undefined,
      undefined,
      undefined,
      'the validation loss has not improved for 2 epochs: 0.25 in epoch 1',
    ])
    expect(weights).toEqual([0, 1, 2, 1])
    expect(tf.memory().numTensors).toBe(before)
  })

  test('puts them back where the run ends, too', () => {
    const variables = fresh()
    const trick = earlyStopping({ monitor: 'validation accuracy' })
    const { stops, weights } = follow(trick, [0.5, 0.4, 0.2, 0.3, 0.6], variables)
    expect(stops.every((stop) => stop === undefined)).toBe(true)
    expect(weights).toEqual([0, 1, 2, 3, 2])
  })

  test('or leaves the last where that is asked for', () => {
    const trick = earlyStopping({ patience: 1, restoreBest: false })
    const { stops, weights } = follow(trick, [0.25, 0.5], fresh())
    expect(stops.at(-1)).toBe('the validation loss has not improved for 1 epoch: 0.25 in epoch 0')
    expect(weights).toEqual([0, 1])
  })

  test('its state holds the best weights as tensors, statistics among them', () => {
    const variables = { ...fresh(), 'norm/moving_mean': tf.variable(tf.scalar(7), false) }
    const [first, second] = [earlyStopping({ patience: 2 }), earlyStopping({ patience: 2 })]
    follow(first, [0.5, 0.25, 0.5], variables)
    const saved = first.state!.save()
    second.state!.restore(saved)
    variables['norm/moving_mean'].assign(tf.scalar(9))
    const epoch: Epoch = {
      epoch: 3,
      time: { step: 8, stepsPerEpoch: 2, steps: 10 },
      training: { loss: 1, accuracy: 0 },
      validation: { loss: 1, accuracy: 0 },
      variables,
    }
    expect(second.afterEpoch!(epoch)?.stop).toContain('for 2 epochs: 0.25 in epoch 1')
    const values = Object.values(variables).map((variable) => variable.dataSync()[0])
    expect(values).toEqual([1, 7])
    expect((saved['weights'] as unknown as Variables)['dense/kernel']!.isDisposed).toBe(false)
  })

  test('a new run starts afresh and gives back what the last one kept', () => {
    const variables = fresh()
    const before = tf.memory().numTensors
    const pipeline = compose([earlyStopping({ patience: 1 })])
    follow(pipeline as unknown as Trick, [0.25], variables)
    expect(tf.memory().numTensors).toBe(before + 1)
    pipeline.setup({} as Omit<Run, 'random'>)
    expect(tf.memory().numTensors).toBe(before)
    expect(follow(pipeline as unknown as Trick, [0.5], variables).stops).toEqual([undefined])
  })
})

test('without validation, as on all the data, it does nothing', () => {
  const variables = fresh()
  const trick = earlyStopping({ patience: 1 })
  for (const epoch of [0, 1, 2]) {
    const time = { step: 2 * (epoch + 1), stepsPerEpoch: 2, steps: 6 }
    const training = { loss: 1, accuracy: 0 }
    expect(trick.afterEpoch!({ epoch, time, training, variables })).toBe(undefined)
  }
  expect(trick.state!.save()).toEqual({ best: null, epoch: null, waited: 0, weights: {} })
})

test('the mode is that of the metric, unless told', () => {
  const modeOf = (options: EarlyStoppingOptions): unknown =>
    (earlyStopping(options).options as EarlyStoppingOptions).mode
  expect(modeOf({})).toBe('min')
  expect(modeOf({ monitor: 'validation accuracy' })).toBe('max')
  expect(modeOf({ monitor: 'validation accuracy', mode: 'min' })).toBe('min')
})

test('what does not fit is said', () => {
  expect(() => stopsAt([1], { patience: 0 })).toThrow(
    'early-stopping: expected patience to be a positive integer, got 0',
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
    ] satisfies EarlyStoppingOptions[]
  ).map((options) => () => earlyStopping(options)),
})
