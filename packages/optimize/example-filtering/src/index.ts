import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type PipelineBatch, type Predict, type Trick } from '@tricks/core'
import { type Layered, variablesOf } from '@tricks/core/model'
import {
  checked,
  choice,
  defineOptions,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'

/** A network whose losses select images: a tfjs-layers model, or an object with `apply` that returns logits `[batch, classes]`. */
export interface Proxy extends Layered {
  apply(images: tf.Tensor, options: { readonly training: false }): unknown
  readonly name?: string
}

export const exampleFilteringOptions = defineOptions('example-filtering', {
  /** Share of each batch to train on; the default is that of airbench96. */
  keep: number({ above: 0, max: 1, default: 0.5 }),
  /** Train on the images with the largest loss, or on those with the smallest, if many labels are wrong. */
  which: choice(['hardest', 'easiest'], { default: 'hardest' }),
  /** A network whose losses select the images; its weights don't change. @defaultValue the network in training */
  proxy: optional(
    checked<Proxy>(
      'a model, which has apply(images, options)',
      (value) => typeof (value as Partial<Proxy> | null)?.apply === 'function',
    ),
  ),
})
export type ExampleFilteringOptions = OptionsOf<typeof exampleFilteringOptions>

/**
 * The cross-entropy of each image: −Σ targets · log softmax(logits).
 *
 * @param targets `[batch, classes]`
 * @param logits `[batch, classes]`
 * @returns `[batch]`
 * @example
 * const losses = exampleLosses(targets, studentLogits)
 */
export const exampleLosses = (targets: tf.Tensor2D, logits: tf.Tensor2D): tf.Tensor1D =>
  tf.tidy(() => tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)))

/**
 * The indices of the images with the largest or smallest losses, found on the device.
 *
 * @param losses `[batch]`
 * @param options.keep share of the images, in (0, 1], default 0.5; rounded to images, at least one
 * @param options.which 'hardest' (default) or 'easiest'
 * @returns int32 `[kept]`, starting with the most extreme loss
 * @throws RangeError for an option out of its range
 * @example
 * const kept = selectExamples(tf.tensor1d([0.1, 2, 0.7, 0.3]), { keep: 0.5 }) // [1, 2]
 * @see Jordan's airbench96_faster; Jiang et al. 2019, https://arxiv.org/abs/1910.00762
 */
export function selectExamples(
  losses: tf.Tensor1D,
  given: Pick<ExampleFilteringOptions, 'keep' | 'which'> = {},
): tf.Tensor1D {
  const { keep, which } = exampleFilteringOptions.parse(given)
  const count = Math.max(1, Math.round(losses.size * keep))
  return tf.tidy(() => {
    const scores = which === 'hardest' ? losses : tf.neg(losses)
    return tf.topk<tf.Tensor1D>(scores, count).indices
  })
}

/**
 * Trains on a part of each batch: the images with the largest loss, in the network itself or in a proxy. The whole batch
 * needs a forward pass, and only the selected images a backward pass.
 *
 * @throws RangeError for an option out of its range; Error from its `gradients` if there is neither a proxy nor a loop that
 *   passes `predict`, as `train` does
 * @example
 * train({ ...options, batchSize: 256, tricks: [exampleFiltering({ keep: 0.5 })] })
 * @see Jordan's airbench96_faster, https://github.com/KellerJordan/cifar10-airbench; Jiang et al. 2019,
 *   https://arxiv.org/abs/1910.00762
 */
export function exampleFiltering({ key, ...given }: ExampleFilteringOptions = {}): Trick {
  const { keep, which, proxy } = exampleFilteringOptions.parse(given)
  const judge: Predict | undefined =
    proxy && ((images) => proxy.apply(images, { training: false }) as tf.Tensor2D)
  return {
    name: 'example-filtering',
    key,
    options: { keep, which, proxy: proxy && nameOf(proxy) },
    // A checkpoint resumes only with the same proxy.
    constants: () => (proxy?.layers || proxy?.variables ? variablesOf(proxy) : {}),
    gradients(next, { batch, predict }) {
      const logitsOf = judge ?? predict
      if (!logitsOf)
        throw new Error(
          'example-filtering: expected proxy to be a model, as this loop passes no predict, got undefined. Pass a proxy, ' +
            'or pass predict to pipeline.gradients.',
        )
      const kept = tf.tidy(() => {
        const { targets } = batch
        const logits = logitsOf(batch.images)
        const range = `a model with logits of shape [${targets.shape.join(', ')}]`
        const same = tf.util.arraysEqual(logits.shape, targets.shape)
        assertArgument(same, 'example-filtering', { proxy: logits.shape }, range)
        return selectExamples(exampleLosses(targets, logits), { keep, which })
      })
      return next({ batch: partOf(batch, kept) })
    },
  }
}

/** A model's name; null for a default one, as tfjs numbers unnamed models across the process. */
const nameOf = ({ name }: Proxy): string | null =>
  name === undefined || /^(sequential_|model|functional)\d+$/.test(name) ? null : name

/** The images at the given indices, with their targets and those prepared tensors that have one row per image. */
function partOf(batch: PipelineBatch, kept: tf.Tensor1D): PipelineBatch {
  const { images, targets, mixedTargets, prepared } = batch
  const rows = <T extends tf.Tensor>(tensor: T): T =>
    tensor.shape[0] === images.shape[0] ? tf.gather(tensor, kept) : tensor
  return {
    ...batch,
    images: rows(images),
    targets: rows(targets),
    mixedTargets: rows(mixedTargets),
    prepared: Object.fromEntries(
      Object.entries(prepared).map(([name, tensor]) => [name, rows(tensor)]),
    ),
  }
}
