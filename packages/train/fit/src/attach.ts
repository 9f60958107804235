import {
  CustomCallback,
  type CustomCallbackArgs,
  type LayersModel,
  type ModelFitDatasetArgs,
} from '@tensorflow/tfjs-layers'

export type FitArgs = ModelFitDatasetArgs<unknown>
export type Dataset = Parameters<LayersModel['fitDataset']>[0]

/** What goes with `fitDataset` on one dataset. */
export interface Session {
  /** Called before any other callback. */
  readonly hooks: CustomCallbackArgs
  /** Before `fitDataset`; throws if it can't train with these arguments. */
  begin(args: FitArgs): Promise<void>
  /** After `fitDataset`, whichever way it ended. */
  end(): void
}

const sessions = new WeakMap<Dataset, Session>()

/**
 * Makes `model.fitDataset` train on `dataset` with the session's hooks and any callbacks beside them, and end the
 * session even if it throws. Training on other data is as before.
 *
 * tfjs treats a list of callbacks by its first: if that is a plain object, it calls the methods of all detached from
 * their objects, on which `tf.callbacks.earlyStopping` throws and `tf.CustomCallback` never returns; if it is one of
 * tfjs's classes, plain objects throw. Only the model sees the whole list.
 */
export function attach(model: LayersModel, dataset: Dataset, session: Session): void {
  sessions.set(dataset, session)
  if (Object.hasOwn(model, 'fitDataset')) return
  const fitDataset = model.fitDataset.bind(model)
  model.fitDataset = async (data, args) => {
    const own = sessions.get(data)
    if (!own) return fitDataset(data, args)
    await own.begin(args)
    try {
      return await fitDataset(data, { ...args, callbacks: listOf(own.hooks, args) })
    } finally {
      own.end()
    }
  }
}

/** The hooks, then the user's callbacks, all as instances of tfjs's classes. */
function listOf(hooks: CustomCallbackArgs, { callbacks, yieldEvery }: FitArgs): CustomCallback[] {
  const given = [callbacks ?? []].flat() as CustomCallbackArgs[]
  return [hooks, ...given.filter((each) => each !== hooks)].map((each) =>
    'setParams' in each ? (each as CustomCallback) : new CustomCallback(each, yieldEvery),
  )
}
