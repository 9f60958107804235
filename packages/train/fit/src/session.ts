import * as tf from '@tensorflow/tfjs-core'
import type { CustomCallbackArgs } from '@tensorflow/tfjs-layers'
import type { End, Metrics } from '@tricks/core'
import { Observers, setRate } from '@tricks/train'
import type { Session } from './attach.ts'
import { checkArgs } from './checks.ts'
import { release } from './datasets.ts'
import { alignWithFit } from './trained.ts'
import type { Training } from './training.ts'

/** The tricks' hooks for steps, epochs and the run, as callbacks of `fitDataset`. */
export function sessionOf(training: Training): Session {
  const { model, compile, run, at } = training
  const { pipeline, variables, data, baseRate } = run
  let observers = new Observers(pipeline.observe)
  let state: 'new' | 'running' | 'ended' = 'new'
  let stopped = false

  const finish = (reason: End['reason']): void => {
    state = 'ended'
    pipeline.finish({ reason, time: data.time(at.next), variables })
  }
  const hooks: CustomCallbackArgs = {
    onTrainBegin() {
      if (state !== 'running')
        throw new Error(
          'fit: expected the callbacks of fit.args to be used with model.fitDataset(fit.dataset, …), ' +
            'got other data. The tricks must create the training batches.',
        )
    },
    onEpochBegin(epoch) {
      at.first = at.next = epoch * data.stepsPerEpoch
    },
    onBatchBegin() {
      setRate(compile.optimizer, pipeline.learningRate(baseRate, data.time(at.next)))
    },
    onBatchEnd(_, logs) {
      const time = data.time(at.next++)
      pipeline.afterStep(variables, time)
      observers.add(metricsOf(logs)!, at.batch!.mixedTargets.shape[0])
      observers.tell(time)
    },
    onEpochEnd(epoch, logs) {
      release(at)
      // A callback that stops within an epoch leaves it incomplete.
      if (at.next < at.first + data.stepsPerEpoch) return
      const validation = metricsOf(logs, 'val_')
      const verdict = pipeline.afterEpoch({
        epoch,
        time: data.time(at.next),
        training: metricsOf(logs)!,
        ...(validation && { validation }),
        variables,
      })
      stopped = verdict !== undefined
      if (stopped) model.stopTraining = true
    },
    onTrainEnd() {
      const { step, steps } = data.time(at.next)
      finish(stopped ? 'stopped' : step < steps ? 'aborted' : 'finished')
    },
  }
  return {
    hooks,
    async begin(args) {
      checkArgs(training, args)
      await run.checkOutputs()
      if (state === 'running')
        throw new Error('fit: expected one fitDataset at a time. Await the one that is running.')
      // Layers may have been frozen or unfrozen since the last call.
      alignWithFit(model, compile.optimizer, variables)
      if (state === 'ended' && !args.initialEpoch) run.start()
      state = 'running'
      stopped = false
      observers = new Observers(pipeline.observe)
    },
    end() {
      try {
        if (state === 'running') finish('failed')
      } catch {
        // The error that ended training is reported instead.
      }
      // fitDataset throws without disposing its batch.
      tf.dispose([at.batch?.images, at.batch?.targets])
      release(at)
      setRate(compile.optimizer, baseRate)
    },
  }
}

type Logs = Parameters<NonNullable<CustomCallbackArgs['onBatchEnd']>>[1]

function metricsOf(logs: Logs = {}, prefix = ''): Metrics | undefined {
  const [loss, accuracy] = [logs[`${prefix}loss`], logs[`${prefix}accuracy`]]
  return loss === undefined ? undefined : { loss, accuracy: accuracy! }
}
