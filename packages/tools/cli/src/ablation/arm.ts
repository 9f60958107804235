import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { type ArmJob, imagesOf, machineOf, type Outcome, type Regime } from '@tricks/ablation'
import { type BackendName, useBackend } from '@tricks/backend'
import {
  calibration,
  checkpointFolder,
  hasModel,
  loadTeacher,
  modelOf,
  replaceFile,
  tricksOf,
} from '@tricks/run'
import { imagesAt, type ImageSet, train, unsupportedReason } from '@tricks/train'
import { newestCheckpoint } from '@tricks/trials'
import { loadData } from '../data.ts'
import { countsOf } from '../imbalance.ts'
import { recipeOfSpec, type Spec } from './spec.ts'

/** Settings shared by all arms. */
export interface ArmSetup {
  readonly regime: Regime
  readonly data: string
  readonly size: number
  readonly skipBroken: boolean
  /** The teacher's folder in the storage folder, if an arm learns from one. */
  readonly teacher: string
}

/** Trains an arm of an ablation; resumes an earlier attempt. */
export async function trainArm({ spec, setup, ...job }: ArmJob): Promise<Outcome> {
  const { seed, storage, folder, signal } = job
  const { regime, ...rest } = setup as unknown as ArmSetup
  const { images: all, teacher } = await opened(regime, rest, storage)
  const own = spec as unknown as Spec
  const images = 'longTailed' in own ? { ...all, train: longTailed(all.train) } : all
  const precision = unsupportedReason(regime.precision) === undefined ? regime.precision : 'float32'
  const recipe = await recipeOfSpec(own, countsOf(images.train))
  const { height, width, channels, classes, labels } = images.train
  const data = { height, width, channels, classes: classes.length, images: labels.length }
  const context = { data, seed, ...(recipe.teacher && teacher && { teacher }) }
  const model = await modelOf(recipe, context)
  const optimizer = recipe.optimizer()
  const earlier = newestCheckpoint(job.earlier)
  const clock = new Clock(earlier?.folder, earlier?.checkpoint.step)
  const kept = checkpointFolder(folder, { keep: 1 })
  try {
    const result = await train({
      model,
      data: { train: images.train, test: images.measured },
      tricks: tricksOf(recipe, context),
      optimizer,
      epochs: regime.epochs,
      batchSize: ('batchSize' in own ? own.batchSize : undefined) ?? regime.batchSize,
      repeats: recipe.repeats ?? 1,
      validation: Math.floor((regime.validationImages * labels.length) / all.train.labels.length),
      seed,
      precision,
      signal,
      checkpoint: {
        every: { fraction: 0.5 },
        seconds: 15,
        save(checkpoint) {
          clock.keep(folder, checkpoint.step)
          kept.save(checkpoint, false)
        },
      },
      ...(earlier && { resume: earlier.checkpoint }),
      onProgress({ time: { step, steps } }) {
        job.progress(Math.min(1, (step + 1) / steps))
      },
    })
    if (!result.test) throw new Error('stopped')
    return {
      ...result.test,
      calibrationError: calibration({
        logits: result.testLogits!,
        labels: Int32Array.from(images.measured.labels),
      }).expectedError,
      training: result.epochs.at(-1)!.training,
      steps: result.steps,
      wallClock: { cpuSeconds: clock.seconds() },
      on: machineOf(precision),
    }
  } finally {
    model.dispose()
    optimizer.dispose()
  }
}

/**
 * Keeps fewer images of each class than of the one before: all of the first, a tenth of the last, in a geometric series,
 * as in CIFAR-10-LT (Cui et al. 2019).
 */
function longTailed(set: ImageSet): ImageSet {
  const last = set.classes.length - 1
  const left = countsOf(set).map((count, c) => Math.round(count * 0.1 ** (c / last)))
  return imagesAt(
    set,
    Array.from(set.labels, (_, i) => i).filter((i) => left[set.labels[i]!]!-- > 0),
  )
}

/** Measures a run's CPU time, over all its attempts. */
class Clock {
  readonly #before: number
  readonly #began = process.cpuUsage()

  constructor(folder: string | undefined, step: number | undefined) {
    this.#before =
      folder === undefined || step === undefined
        ? 0
        : Number(readFileSync(join(folder, `cpu-seconds-${step}`), 'utf8'))
  }

  seconds(): number {
    const { user, system } = process.cpuUsage(this.#began)
    return this.#before + (user + system) / 1e6
  }

  /** Saved before the step's checkpoint, so that every checkpoint has it. */
  keep(folder: string, step: number): void {
    replaceFile(join(folder, `cpu-seconds-${step}`), String(this.seconds()))
  }
}

let last: { readonly key: string; readonly content: ReturnType<typeof openAll> } | undefined

/** Loads what arms share, once: most arms that a process trains belong to one ablation. */
function opened(
  regime: Regime,
  rest: Omit<ArmSetup, 'regime'>,
  storage: string,
): ReturnType<typeof openAll> {
  const key = JSON.stringify([regime, rest, storage])
  if (last?.key !== key) last = { key, content: openAll(regime, rest, storage) }
  return last.content
}

async function openAll(
  regime: Regime,
  { teacher, ...data }: Omit<ArmSetup, 'regime'>,
  storage: string,
): Promise<{
  readonly images: ReturnType<typeof imagesOf>
  readonly teacher: Awaited<ReturnType<typeof loadTeacher>> | undefined
}> {
  await useBackend(regime.backend as BackendName)
  const { train: all } = await loadData(data.data, data)
  const images = imagesOf(all, {
    train: regime.trainingImages + regime.validationImages,
    measured: regime.measuredImages,
  })
  const folder = join(storage, teacher)
  return { images, teacher: hasModel(folder) ? await loadTeacher(folder, images.train) : undefined }
}
