import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type PipelineBatch, type Tensors, type Trick } from '@tricks/core'
import { defineOptions, integer, type OptionsOf } from '@tricks/core/options'

export const gradientAccumulationOptions = defineOptions('gradient-accumulation', {
  /** Images per forward pass; the last part of a batch may have fewer. */
  microBatch: integer({ min: 1, default: 32 }),
})
export type GradientAccumulationOptions = OptionsOf<typeof gradientAccumulationOptions>

/**
 * Computes the gradients of a batch from small parts, one after another: Σ (images of the part / images) · gradients.
 *
 * Equal to the whole batch's gradients if the loss is a mean over images. Batch normalisation is the exception, as it
 * uses the statistics of each part.
 *
 * @param gradientsOf returns the gradients of a part's mean loss, by variable name; `first` is the index of its first
 *   image in the batch
 * @param batch tensors with the images as first axis: everything that `gradientsOf` needs, `[batch, …]` each
 * @param microBatch images per part, a positive integer; the last part may have fewer
 * @returns the gradients by the same names; those of the parts are disposed
 * @throws RangeError for another `microBatch`
 * @example
 * const gradients = accumulateGradients(
 *   ({ images, targets }) => tf.variableGrads(() => loss(images, targets)).grads,
 *   { images, targets },
 *   32,
 * )
 */
export function accumulateGradients<B extends Tensors>(
  gradientsOf: (part: B, first: number) => Tensors,
  batch: B,
  microBatch: number,
): Tensors {
  const kind = gradientAccumulationOptions.kinds.microBatch
  assertArgument(kind.accepts(microBatch), 'gradient-accumulation', { microBatch }, kind.range)
  const size = Object.values(batch)[0]!.shape[0]
  if (microBatch >= size) return gradientsOf(batch, 0)
  let sums: Tensors | undefined
  for (let first = 0; first < size; first += microBatch) {
    const count = Math.min(microBatch, size - first)
    const part = mapTensors(batch, (tensor) => tf.slice(tensor, first, count)) as B
    const gradients = gradientsOf(part, first)
    const before = sums
    sums = tf.tidy(() =>
      mapTensors(gradients, (gradient, name) => {
        const share = tf.mul(gradient, count / size)
        return before ? tf.add(before[name]!, share) : share
      }),
    )
    // Kept tensors, such as a trick's own average, are not disposed here.
    tf.dispose([part, before ?? {}, Object.values(gradients).filter(({ kept }) => !kept)])
  }
  return sums!
}

/**
 * Computes each step's gradients from parts of the batch, so that only one part needs to fit in memory.
 *
 * @throws RangeError for an option out of its range
 * @example
 * train({ ...options, batchSize: 256, tricks: [mixup(), gradientAccumulation({ microBatch: 32 })] })
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677, section 3
 */
export function gradientAccumulation({ key, ...given }: GradientAccumulationOptions = {}): Trick {
  const options = gradientAccumulationOptions.parse(given)
  return {
    name: 'gradient-accumulation',
    key,
    options,
    gradients: (next, { batch }) =>
      accumulateGradients(
        (part, first) => next({ batch: partOf(batch, part, first) }),
        tensorsOf(batch),
        options.microBatch,
      ),
  }
}

/** A batch's tensors in one record. Of prepared tensors, only those with one row per image. */
function tensorsOf({ images, targets, mixedTargets, prepared }: PipelineBatch): Tensors {
  const [size] = images.shape
  const rows = Object.entries(prepared).filter(([, { shape }]) => shape[0] === size)
  const named = rows.map(([name, tensor]) => [`prepared/${name}`, tensor] as const)
  return { images, targets, mixedTargets, ...Object.fromEntries(named) }
}

function partOf(batch: PipelineBatch, part: Tensors, first: number): PipelineBatch {
  const prepared = mapTensors(batch.prepared, (tensor, name) => part[`prepared/${name}`] ?? tensor)
  return { ...batch, ...part, prepared, first: (batch.first ?? 0) + first }
}

const mapTensors = (tensors: Tensors, f: (tensor: tf.Tensor, name: string) => tf.Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]))
