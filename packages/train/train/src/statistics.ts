import * as tf from '@tensorflow/tfjs-core'
import { compose, type Duration, stepsOf, type Tensors, type Trick } from '@tricks/core'
import { roleOf, trainableOf } from '@tricks/core/model'
import { drawsFor } from './data.ts'
import { logitsOf } from './model.ts'
import type { OpenRun, RunOptions } from './run.ts'
import { trainedIn } from './trained.ts'

/**
 * The moving statistics that fit the weights of an evaluation, if a trick requests them: the mean of the statistics of
 * the latest training batches, as in torch's `update_bn`. They are those of the images after the image tricks, without
 * mixing.
 */
export class FittingStatistics {
  private readonly during: Duration | undefined
  private readonly options: RunOptions
  private readonly run: OpenRun
  private readonly breathe: () => Promise<void>
  private step = -1
  private found: Tensors = {}

  constructor(options: RunOptions, run: OpenRun, breathe: () => Promise<void>) {
    this.during = requested(options.tricks ?? [])
    this.options = options
    this.run = run
    this.breathe = breathe
  }

  /** The statistics by path, before `step`, for the model's current weights; disposed by this object. */
  async at(step: number): Promise<Tensors> {
    const { during, step: known } = this
    const count = during ? Math.min(step, stepsOf(during, this.run.data.time(step))) : 0
    if (step === known || count === 0) return this.found
    this.dispose()
    this.found = await this.compute(Array.from({ length: count }, (_, i) => step - count + i))
    this.step = step
    return this.found
  }

  dispose(): void {
    tf.dispose(this.found)
    this.found = {}
    this.step = -1
  }

  private async compute(steps: readonly number[]): Promise<Tensors> {
    const { variables } = this.run
    const trainable = trainableOf(variables)
    const candidates = Object.keys(variables).filter(
      (path) =>
        ['mean', 'variance'].includes(roleOf(path) ?? '') && !Object.hasOwn(trainable, path),
    )
    const before = candidates.map((path) => variables[path]!.clone())
    const pass = this.passes(steps.at(-1)!)
    let sums: tf.Tensor[] = []
    try {
      // A frozen norm uses its statistics without updating them; zeros would change what it computes.
      pass(steps[0]!)
      const moved = await numbersOf(() =>
        candidates.map((path, i) => tf.any(tf.notEqual(variables[path]!, before[i]!))),
      )
      const moving = candidates.filter((_, i) => moved[i] === 1).map((path) => variables[path]!)
      // Starting at 0, one pass over a batch with the statistic s gives (1 − momentum) s, a second one (1 − momentum²) s.
      const clear = (): void => moving.forEach((each) => each.assign(tf.zerosLike(each)))
      tf.tidy(clear)
      pass(steps[0]!)
      sums = moving.map((each) => each.clone())
      pass(steps[0]!)
      const growth = await numbersOf(() =>
        moving.map((each, i) => tf.divNoNan(tf.sum(tf.abs(each)), tf.sum(tf.abs(sums[i]!)))),
      )
      for (const step of steps.slice(1)) {
        tf.tidy(clear)
        pass(step)
        const added = sums
        sums = added.map((sum, i) => tf.add(sum, moving[i]!))
        tf.dispose(added)
        await this.breathe()
      }
      return Object.fromEntries(
        moving.map((each, i) => [
          candidates.find((path) => variables[path] === each)!,
          // A statistic that is 0 in all channels doesn't grow.
          tf.tidy(() => tf.div(sums[i]!, steps.length * (growth[i] === 0 ? 1 : 2 - growth[i]!))),
        ]),
      )
    } finally {
      candidates.forEach((path, i) => variables[path]!.assign(before[i]!))
      tf.dispose([before, sums])
    }
  }

  /** Runs the model in training mode on the batch of a step. `last` decides which layers are frozen. */
  private passes(last: number): (step: number) => void {
    const { model, tricks = [], seed = 0 } = this.options
    const { data, pipeline, variables } = this.run
    const { stepsPerEpoch, steps } = data.time(0)
    const { mean, deviation } = data.facts
    const images = compose(tricks.map(imagesAlone), { seed, mean, deviation, stepsPerEpoch, steps })
    const trainable = new Set(Object.values(trainedIn(variables, pipeline, data.time(last))))
    return (step) =>
      tf.tidy(() => {
        const raw = data.batch(step)
        const batch = images.batch(raw.images, raw.targets, step, drawsFor(images, raw, step))
        const options = { training: true, seed, step, first: 0, trainable }
        logitsOf(model, batch.images, raw.targets.shape[1], options)
      })
  }
}

/** Only the parts of a trick that change images. */
export const imagesAlone = ({ name, key, options, tricks, images }: Trick): Trick => ({
  name,
  key,
  options,
  tricks,
  images,
})

/** The duration that the first trick with `statistics` requests. */
const requested = (tricks: readonly Trick[]): Duration | undefined =>
  tricks
    .map(({ evaluation, tricks: inner = [] }) => evaluation?.statistics ?? requested(inner))
    .find((during) => during !== undefined)

/** The values of scalars, read at once. */
async function numbersOf(scalars: () => readonly tf.Tensor[]): Promise<number[]> {
  const all = tf.tidy(() => {
    const made = scalars().map((each) => tf.cast(each, 'float32'))
    return made.length > 0 ? tf.stack(made) : tf.tensor1d([])
  })
  const values = await all.data()
  all.dispose()
  return Array.from(values)
}
