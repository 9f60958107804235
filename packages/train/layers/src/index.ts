import * as tf from '@tensorflow/tfjs-core'
import type {
  CustomCallbackArgs,
  LayersModel,
  ModelCompileArgs,
  ModelFitDatasetArgs,
} from '@tensorflow/tfjs-layers'
import { accuracy, type Metrics, type PipelineBatch, softmaxCrossEntropy } from '@tricks/core'
import { batchOf, Observers, openRun, type RunOptions, setRate } from '@tricks/train'

export interface FitOptions extends Omit<RunOptions, 'model'> {
  /** Gives logits: no softmax at its end. */
  readonly model: LayersModel
}

/** What `compile` and `fitDataset` take. */
export interface Fit {
  readonly compile: ModelCompileArgs
  readonly dataset: Parameters<LayersModel['fitDataset']>[0]
  readonly args: ModelFitDatasetArgs<unknown> & { callbacks: CustomCallbackArgs[] }
}

/**
 * A list of tricks for those who train with tfjs-layers' own `fitDataset`: the trainer's batches, draws, rates and
 * losses, to the bit.
 *
 * @param options those of `train`, but for what concerns its progress
 * @throws Error naming a trick that `fitDataset` can't carry (one that changes gradients, or evaluation), and as `train`
 * @example
 * const fit = forFit({ model, data, tricks, optimizer: tf.train.momentum(0.1, 0.9), epochs: 10 })
 * model.compile(fit.compile)
 * await model.fitDataset(fit.dataset, fit.args)
 */
export function forFit(options: FitOptions): Fit {
  refuse(options, 'gradients', 'changes gradients')
  refuse(options, 'evaluation', 'changes evaluation')
  const { model, optimizer, epochs } = options
  const { pipeline, variables, data, baseRate } = openRun(options)
  let step = 0
  let batch: PipelineBatch | undefined
  const finish = (): void => {
    // fitDataset itself disposes the images and the targets.
    if (batch) tf.dispose([batch.mixedTargets, batch.prepared])
    batch = undefined
  }
  const observers = new Observers(pipeline.observe)

  // The losses see what fitDataset trains on, or else what it evaluates on: hard labels, and no trick.
  const inTraining = (targets: tf.Tensor): boolean => targets === batch?.targets
  const compile: ModelCompileArgs = {
    optimizer,
    loss: (targets, logits) =>
      inTraining(targets)
        ? pipeline.loss(batch!, logits as tf.Tensor2D, variables)
        : softmaxCrossEntropy(targets as tf.Tensor2D, logits as tf.Tensor2D),
    metrics: [
      Object.defineProperty(
        (targets: tf.Tensor, logits: tf.Tensor) =>
          accuracy(
            inTraining(targets) ? batch!.mixedTargets : (targets as tf.Tensor2D),
            logits as tf.Tensor2D,
          ),
        'name',
        { value: 'accuracy' },
      ),
    ],
  }

  const dataset = datasetOf(data.stepsPerEpoch, (place) => {
    finish()
    const { images, targets } = data.batch(step + place)
    batch = pipeline.batch(images, targets, data.time(step + place))
    tf.dispose([images, targets])
    return { xs: batch.images, ys: batch.targets }
  })

  const callbacks: CustomCallbackArgs = {
    onEpochBegin: (epoch) => void (step = epoch * data.stepsPerEpoch),
    onBatchBegin: (place) =>
      setRate(optimizer, pipeline.learningRate(baseRate, data.time(step + place))),
    onBatchEnd(place, logs) {
      const time = data.time(step + place)
      pipeline.afterStep(variables, time)
      observers.add(metricsOf(logs), batch!.mixedTargets.shape[0])
      observers.tell(time)
    },
    onEpochEnd(epoch, logs) {
      finish()
      const validation = data.heldOut && metricsOf(logs, 'val_')
      const done = {
        epoch,
        time: data.time(step + data.stepsPerEpoch),
        training: metricsOf(logs),
        variables,
      }
      tf.tidy(() => {
        if (pipeline.afterEpoch?.({ ...done, ...(validation && { validation }) }))
          model.stopTraining = true
      })
    },
    onTrainEnd() {
      const reason = model.stopTraining ? 'stopped' : 'finished'
      pipeline.finish({ reason, time: data.time(step + data.stepsPerEpoch), variables })
      setRate(optimizer, baseRate)
    },
  }
  const { heldOut } = data
  const held = 500
  const validationData =
    heldOut &&
    datasetOf(Math.ceil(heldOut.indices.length / held), (place) => {
      const { images, targets } = batchOf(
        heldOut,
        place * held,
        Math.min(heldOut.indices.length, (place + 1) * held),
      )
      const normal = pipeline.normalize(images)
      images.dispose()
      return { xs: normal, ys: targets }
    })
  return {
    compile,
    dataset,
    args: { epochs, callbacks: [callbacks], ...(validationData && { validationData }) },
  }
}

function refuse({ tricks = [] }: FitOptions, hook: 'gradients' | 'evaluation', what: string): void {
  const trick = tricks.find((each) => each[hook] !== undefined)
  if (trick)
    throw new Error(
      `layers: '${trick.name}' ${what}, which fitDataset can't carry; use train of @tricks/train`,
    )
}

/** As much of a tf.data dataset as fitDataset uses: a fresh pass over the batches each time. */
function datasetOf(size: number, batch: (place: number) => tf.TensorContainer): Fit['dataset'] {
  return {
    size,
    async iterator() {
      let place = 0
      return {
        next: async () =>
          place < size ? { value: batch(place++), done: false } : { value: null, done: true },
      }
    },
  }
}

type Logs = Parameters<NonNullable<CustomCallbackArgs['onBatchEnd']>>[1]

const metricsOf = (logs: Logs, prefix = ''): Metrics => ({
  loss: logs![`${prefix}loss`] as number,
  accuracy: logs![`${prefix}accuracy`] as number,
})
