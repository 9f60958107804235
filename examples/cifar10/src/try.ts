import { type BackendName, useBackend } from '@tricks/backend'
import { loadCifar10 } from '@tricks/cifar10'
import { createModel } from '@tricks/models'
import { train } from '@tricks/train'
import { articleTricks } from './article.ts'
import { recipeOf } from './recipes.ts'
import { firstOf } from './subset.ts'

/** Trains each trick of the article alone, and all but it, for some steps: whether everything goes with everything. */
export async function tryAll({
  steps,
  batchSize,
  seed,
  backend,
}: {
  readonly steps: number
  readonly batchSize: number
  readonly seed: number
  readonly backend?: BackendName
}): Promise<void> {
  const { name } = await useBackend(backend)
  const images = firstOf((await loadCifar10()).train, Math.ceil((steps * batchSize * 10) / 9))
  const validation = images.labels.length - steps * batchSize
  const teacher = createModel('plain', { widths: [[8], [16]], seed: seed + 1 })
  console.log(`${steps} steps of ${batchSize} images each, on ${name}`)
  for (const trick of articleTricks)
    for (const kind of ['only', 'all-but']) {
      const recipe = recipeOf(`${kind}:${trick}`)
      const model = createModel(recipe.model, { ...recipe.modelOptions, seed })
      const optimizer = recipe.optimizer()
      const began = performance.now()
      const { epochs, steps: done } = await train({
        model,
        data: { train: images },
        tricks: recipe.tricks(teacher),
        optimizer,
        epochs: 1,
        batchSize,
        validation,
        seed,
      })
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const loss = epochs[0]!.training.loss.toFixed(3)
      console.log(
        `${kind.padEnd(8)}${trick.padEnd(18)}${done} steps  loss ${loss.padStart(7)}  ${seconds} s`,
      )
      model.dispose()
      optimizer.dispose()
    }
  teacher.dispose()
}
