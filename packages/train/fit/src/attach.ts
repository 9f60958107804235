import {
  CustomCallback,
  type CustomCallbackArgs,
  type LayersModel,
  type ModelFitDatasetArgs,
} from '@tensorflow/tfjs-layers'

export type FitArgs = ModelFitDatasetArgs<unknown>
export type Dataset = Parameters<LayersModel['fitDataset']>[0]

/** The hooks of a `fitDataset` call on a dataset. */
export interface Session {
  /** Called before any other callback. */
  readonly hooks: CustomCallbackArgs
  /** Called before `fitDataset`; throws if it can't train with these arguments. */
  begin(args: FitArgs): Promise<void>
  /** Called after `fitDataset`, however it ended. */
  end(): void
}

const sessions = new WeakMap<Dataset, Session>()

/**
 * Makes `model.fitDataset` on `dataset` use the session's hooks together with any callbacks, and end the session even
 * if it throws. Training on other data is unaffected.
 *
 * tfjs treats a list of callbacks by its first entry: if that is a plain object, it calls all methods detached from
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
