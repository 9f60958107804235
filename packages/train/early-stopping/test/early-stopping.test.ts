import * as tf from '@tensorflow/tfjs-core'
import { conformance, onEachBackend } from '@tricks/conformance'
import { compose, type Pipeline, type State, type Trick, type Variables } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { earlyStopping, stopsAt, type StoppingOptions } from '../src/index.ts'
import fixture from './fixtures/early-stopping.json' with { type: 'json' }

test.each(fixture.cases)('as Keras: $params', ({ inputs, params, expected }) => {
  const { stop, best } = stopsAt(inputs.metric, params as StoppingOptions)
  expect({ stop, best }).toEqual({ stop: expected.stoppedAfter, best: expected.bestEpoch })
})

test('what never gets better stops, and what is no number is no better', () => {
  expect(stopsAt([1, 1, 1, 1], { patience: 2 })).toEqual({ stop: 2, best: 0 })
  expect(stopsAt([NaN, 2, NaN, 1, NaN, NaN], { patience: 2 })).toEqual({ stop: 5, best: 3 })
  expect(stopsAt([NaN, NaN], { patience: 2 })).toEqual({ stop: 1, best: null })
  expect(stopsAt([])).toEqual({ stop: null, best: null })
})

/** A run of `epochs` in which the weight after epoch e is e, and the statistic −e. */
class Run {
  readonly variables: Variables = {
    'dense/kernel': tf.tidy(() => tf.variable(tf.scalar(0))),
    'norm/moving_mean': tf.tidy(() => tf.variable(tf.scalar(0), false)),
  }
  readonly pipeline: Pipeline
  readonly epochs: number

  constructor(trick: Trick, epochs = 100) {
    this.pipeline = compose([trick])
    this.epochs = epochs
    const data = {
      size: 1,
      height: 1,
      width: 1,
      channels: 1,
      classes: 2,
      mean: [0],
      deviation: [1],
    }
    const time = { step: 0, stepsPerEpoch: 10, steps: 10 * epochs }
    this.pipeline.setup({ variables: this.variables, data, batchSize: 1, time })
  }

  epoch(epoch: number, loss: number, accuracy = 0): { readonly stop: string } | undefined {
    let verdict: { readonly stop: string } | undefined
    tf.tidy(() => {
      const [weight, statistic] = Object.values(this.variables)
      weight!.assign(tf.scalar(epoch))
      statistic!.assign(tf.scalar(-epoch))
      verdict = this.pipeline.afterEpoch!({
        epoch,
        time: { step: 10 * (epoch + 1), stepsPerEpoch: 10, steps: 10 * this.epochs },
        training: { loss: 9, accuracy: 0 },
        validation: { loss, accuracy },
        variables: this.variables,
      })
    })
    return verdict
  }

  values(): number[] {
    return Object.values(this.variables).map((variable) => variable.dataSync()[0]!)
  }
}

onEachBackend(() => {
  describe('as a trick', () => {
    test('it stops on the best weights, statistics included', () => {
      const before = tf.memory().numTensors
      const run = new Run(earlyStopping({ patience: 2 }))
      expect([3, 1, 2].map((loss, epoch) => run.epoch(epoch, loss))).toEqual(
        Array(3).fill(undefined),
      )
      expect(run.values()).toEqual([2, -2])
      expect(run.epoch(3, 1)).toEqual({ stop: 'validation loss is no better since epoch 1' })
      expect(run.values()).toEqual([1, -1])
      tf.dispose(run.variables)
      expect(tf.memory().numTensors).toBe(before)
    })

    test("and so ends a run that wasn't stopped", () => {
      const run = new Run(earlyStopping({ monitor: 'accuracy' }), 3)
      for (const [epoch, accuracy] of [0.1, 0.9, 0.5].entries()) run.epoch(epoch, 1, accuracy)
      expect(run.values()).toEqual([1, -1])
      tf.dispose(run.variables)
    })

    test('unless the weights are to stay', () => {
      const run = new Run(earlyStopping({ patience: 1, restoreBest: false }))
      run.epoch(0, 1)
      expect(run.epoch(1, 2)?.stop).toBe('validation loss is no better since epoch 0')
      expect(run.values()).toEqual([1, -1])
      tf.dispose(run.variables)
    })

    test('a resumed run still knows the best weights', () => {
      const first = new Run(earlyStopping({ patience: 2 }))
      first.epoch(0, 1)
      first.epoch(1, 2)
      const saved = first.pipeline.state!.save()
      const second = new Run(earlyStopping({ patience: 2 }))
      second.pipeline.state!.restore(saved)
      tf.dispose((saved['early-stopping'] as { weights: State }).weights as tf.TensorContainer)
      expect(second.epoch(2, 2)).toEqual({ stop: 'validation loss is no better since epoch 0' })
      expect(second.values()).toEqual([0, -0])
      tf.dispose([first.variables, second.variables])
    })
  })
})

test('where selection is off it neither stops nor restores', () => {
  const trick = earlyStopping({ patience: 1 })
  const time = { step: 10, stepsPerEpoch: 10, steps: 10 }
  const metrics = { loss: 1, accuracy: 0 }
  for (const epoch of [0, 1, 2])
    expect(trick.afterEpoch!({ epoch, time, training: metrics, variables: {} })).toBe(undefined)
})

conformance(() => earlyStopping({ patience: 1 }), {
  invalid: [
    () => earlyStopping({ patience: 0 }),
    () => earlyStopping({ patience: 1.5 }),
    () => earlyStopping({ minDelta: -1 }),
    () => earlyStopping({ mode: 'least' as 'min' }),
    () => earlyStopping({ monitor: 'error' as 'loss' }),
    () => stopsAt([], { patience: 0 }),
  ],
})
conformance(() => earlyStopping({ monitor: 'accuracy', patience: 9, restoreBest: false }))
