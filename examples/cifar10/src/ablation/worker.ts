// A process of the ablation: trains one arm after the other as it is told.
import { useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import { createModel } from '@tricks/models'
import { calibration } from '@tricks/report'
import { train } from '@tricks/train'
import { assemble } from '../article.ts'
import { hasModel, loadTeacher } from '../teacher.ts'
import type { Job, Outcome, Regime } from './ablate.ts'
import { imagesOf } from './images.ts'

async function work(regime: Regime, teacherFolder: string): Promise<void> {
  await useBackend(regime.backend)
  const images = imagesOf((await loadCifar10()).train, regime)
  const teacher = hasModel(teacherFolder) ? await loadTeacher(teacherFolder) : undefined
  process.on('message', (job: Job) => {
    run(job).then(
      (outcome) => process.send!(outcome),
      (error: Error) => process.send!({ error: error.message }),
    )
  })
  process.send!('ready')

  async function run({ arm, seed }: Job): Promise<Outcome> {
    const { tricks, modelOptions, optimizer: optimizerOf } = assemble(arm.tricks)
    const model = createModel('plain', { ...modelOptions, seed })
    const optimizer = optimizerOf()
    const before = process.cpuUsage()
    const result = await train({
      model,
      data: { train: images.train, test: images.measured },
      tricks: tricks(teacher),
      optimizer,
      epochs: regime.epochs,
      batchSize: arm.batchSize ?? regime.batchSize,
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
        labels: images.measured.labels as Uint8Array,
      }).expectedError,
      training: result.epochs.at(-1)!.training,
      steps: result.steps,
      wallClock: { cpuSeconds: (user + system) / 1e6 },
    }
  }
}

await work(JSON.parse(process.argv[2]!) as Regime, process.argv[3]!)
