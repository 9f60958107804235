// A worker process of an ablation: trains one arm after another.
import { imagesOf, type Job, type Outcome, type Regime, serveArms } from '@tricks/ablation'
import { type BackendName, useBackend } from '@tricks/backend'
import { calibration, hasModel, loadTeacher, modelOf, tricksOf } from '@tricks/run'
import { train } from '@tricks/train'
import { loadData } from '../data.ts'
import { recipeOfSpec, type Spec } from './spec.ts'

/** Settings shared by all arms. */
export interface WorkerSetup {
  readonly regime: Regime
  readonly data: string
  readonly size: number
  readonly skipBroken: boolean
  /** The teacher's folder, if an arm learns from one. */
  readonly teacher: string
}

const setup = JSON.parse(process.argv[2]!) as WorkerSetup
const { regime } = setup
await useBackend(regime.backend as BackendName)
const { train: all } = await loadData(setup.data, setup)
const images = imagesOf(all, {
  train: regime.trainingImages + regime.validationImages,
  measured: regime.measuredImages,
})
const teacher = hasModel(setup.teacher) ? await loadTeacher(setup.teacher, images.train) : undefined
serveArms(trainArm)

async function trainArm({ spec, seed }: Job): Promise<Outcome> {
  const recipe = await recipeOfSpec(spec as unknown as Spec)
  const { height, width, channels, classes, labels } = images.train
  const data = { height, width, channels, classes: classes.length, images: labels.length }
  const context = { data, seed, ...(recipe.teacher && teacher && { teacher }) }
  const model = await modelOf(recipe, context)
  const optimizer = recipe.optimizer()
  const own = spec as { readonly batchSize?: number }
  const before = process.cpuUsage()
  const result = await train({
    model,
    data: { train: images.train, test: images.measured },
    tricks: tricksOf(recipe, context),
    optimizer,
    epochs: regime.epochs,
    batchSize: own.batchSize ?? regime.batchSize,
    validation: regime.validationImages,
    seed,
    precision: regime.precision,
  })
  const { user, system } = process.cpuUsage(before)
  model.dispose()
  optimizer.dispose()
  return {
    ...result.test!,
    calibrationError: calibration({
      logits: result.testLogits!,
      labels: Int32Array.from(images.measured.labels),
    }).expectedError,
    training: result.epochs.at(-1)!.training,
    steps: result.steps,
    wallClock: { cpuSeconds: (user + system) / 1e6 },
  }
}
