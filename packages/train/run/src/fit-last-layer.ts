import type { Trick } from '@tricks/core'
import {
  extractFeatures,
  type FeatureProgress,
  type Features,
  fitHead,
  joined,
  setHead,
  splitHead,
} from '@tricks/features'
import { allImages, type Subset } from '@tricks/train'
import { featureFiles } from './feature-files.ts'
import { imagesAtOnce } from './images-at-once.ts'
import type { RunOptions } from './options.ts'
import { duration, percent } from './progress/format.ts'
import type { ProgressView } from './progress/view.ts'
import type { HeadFacts } from './record/schema.ts'
import type { Setup } from './set-up.ts'

/** The weight decay without validation images: between those chosen for 60 and for 800 pictures per class. */
const usualDecay = 10 ** -2.5

/**
 * Fits the network's last layer to features of the images, which are stored in the run's folder as they are computed,
 * so that a killed run continues from them.
 *
 * The weight decay is chosen on the validation images. If they are not needed after that, and test images measure the
 * result, the layer is finally fitted to the validation images too.
 */
export async function fitLastLayer(
  folder: string,
  options: RunOptions,
  { model, passes, training, batches }: Setup,
  view: ProgressView,
): Promise<HeadFacts> {
  const { recipe, data, seed = 0, epochs = recipe.epochs, balance = false, signal } = options
  const { smoothing = 0 } = recipe.head!
  const { features: network, head: layer } = splitHead(model)
  const { mean, deviation } = batches.facts
  const { heldOut } = batches
  const refits = heldOut !== undefined && epochs === 0 && data.test !== undefined
  const store = featureFiles(folder)
  const progress = statusOf(view)
  const featuresOf = (images: Subset, lists: readonly (readonly Trick[])[]): Promise<Features> =>
    extractFeatures({
      model: network,
      images,
      mean,
      deviation,
      passes: lists,
      seed,
      store,
      batchSize: imagesAtOnce(training),
      onProgress: progress,
      ...(signal && { signal }),
    })

  const began = performance.now()
  const fitted = await featuresOf(rest(allImages(training), heldOut), passes)
  const validation = heldOut && (await featuresOf(heldOut, [[]]))
  const others = refits ? await featuresOf(heldOut, passes) : undefined
  const rows = [fitted, ...(others ? [others] : [])].flatMap(({ blocks }) => blocks)
  const count = rows.reduce((sum, { labels }) => sum + labels.length, 0)
  view.say(
    `Features   ${fitted.width.toLocaleString('en')} features of each of ${count.toLocaleString('en')} images` +
      (passes.length > 1 ? `, in ${passes.length} views` : '') +
      (store.reused > 0 ? ', from an earlier run' : '') +
      ` (${duration((performance.now() - began) / 1000)})`,
  )
  const classes = training.classes.length
  const common = {
    classes,
    smoothing: epochs > 0 ? smoothing : 0,
    ...(balance && { classWeights: weightsOf(fitted, classes) }),
    ...(signal && { signal }),
  }
  const chosen = await fitHead({
    training: fitted,
    ...(validation ? { validation } : { decays: [usualDecay] }),
    ...common,
  })
  const final = others
    ? await fitHead({ training: joined(fitted, others), decays: [chosen.decay], ...common })
    : chosen
  setHead(layer, final)
  const { decay, validation: judged } = chosen
  view.say(
    `Last layer ${judged ? `${percent(judged.accuracy)} of ${heldOut!.indices.length} validation images correct (loss ${judged.loss.toFixed(3)}), ` : ''}` +
      `weight decay ${Number(decay.toPrecision(2))}${refits ? '; fitted again with them' : ''}`,
  )
  return {
    features: fitted.width,
    passes: passes.length,
    decay,
    training: final.training,
    ...(judged && { validation: judged }),
    ...(refits && { refitted: true }),
  }
}

/** A set's images without the held-out ones. */
function rest(all: Subset, heldOut: Subset | undefined): Subset {
  if (heldOut?.set !== all.set) return all
  const held = new Set(heldOut.indices)
  return { set: all.set, indices: all.indices.filter((index) => !held.has(index)) }
}

/** Weights that make all classes count equally. */
function weightsOf({ blocks }: Features, classes: number): number[] {
  const counts = Array<number>(classes).fill(0)
  for (const { labels } of blocks) for (const label of labels) counts[label]!++
  return counts.map((count) => 1 / Math.max(1, count))
}

function statusOf(view: ProgressView): (progress: FeatureProgress) => void {
  const began = performance.now()
  let computed = 0
  let before = 0
  return ({ done, computed: now, total }) => {
    // Counted separately for each set of images.
    computed += now < before ? now : now - before
    before = now
    const rate = computed / ((performance.now() - began) / 1000)
    const left =
      rate > 0 ? `, ${rate.toFixed(0)} images/s, ${duration((total - done) / rate)} left` : ''
    view.status(`Features   ${done} of ${total} images${left}`)
  }
}
