import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, type Metrics } from '@tricks/core'
import type { Features } from './extract.ts'
import { minimize } from './minimize.ts'
import { Rows } from './rows.ts'

export interface HeadOptions {
  readonly training: Features
  /** Features of the validation images, whose loss chooses the decay. Without them, pass a single decay. */
  readonly validation?: Features
  readonly classes: number
  /**
   * Weight decays to try, from the largest on, each above 0: λ of loss + λ/2 · Σw², for features that are centred and
   * whose squared norm is 1 on average. Default 0.1 to 1e-7 in steps of √10.
   */
  readonly decays?: readonly number[]
  /** Weight of each class, with a mean of 1 over the images; default the same for all. */
  readonly classWeights?: readonly number[]
  /**
   * ε of label smoothing, in [0, 1), default 0: targets are (1 − ε) · one-hot + ε / classes, in the reported losses
   * too. Use it for a layer that will be fine-tuned with smoothed targets: otherwise the first gradient steps undo its
   * overconfidence, and damage the network.
   */
  readonly smoothing?: number
  /** Steps of L-BFGS per decay; default 100. */
  readonly maxSteps?: number
  readonly signal?: AbortSignal
}

/** The result for one decay. */
export interface Tried {
  readonly decay: number
  readonly training: Metrics
  readonly validation?: Metrics
}

/** A dense layer from features to logits. */
export interface Head extends Tried {
  /** `[width, classes]`, row by row. */
  readonly kernel: Float32Array
  /** `[classes]` */
  readonly bias: Float32Array
  /** All decays that were tried. */
  readonly tried: readonly Tried[]
}

const defaultDecays = Array.from({ length: 13 }, (_, i) => 10 ** (-1 - i / 2))

/**
 * Fits a network's last layer to features: multinomial logistic regression with weight decay, minimised by L-BFGS. The
 * decay is chosen by the validation loss. There is a single minimum, so no seed is needed.
 *
 * @throws RangeError for an option out of its range; the signal's reason if it is aborted
 * @example
 * const block = { labels: Int32Array.of(0, 1), read: () => Float32Array.of(-1, 1) }
 * const training = { width: 1, blocks: [block] }
 * const { kernel, bias } = await fitHead({ training, classes: 2, decays: [0.01] })
 */
export async function fitHead(options: HeadOptions): Promise<Head> {
  const { training, validation, classes, classWeights, maxSteps = 100, signal } = options
  const { smoothing = 0 } = options
  const { decays = defaultDecays } = options
  const valid = decays.length > 0 && decays.every((each) => each > 0 && Number.isFinite(each))
  const range = validation
    ? 'a list of positive numbers'
    : 'one positive number, as there are no validation images'
  const one = validation !== undefined || decays.length === 1
  assertArgument(valid && one, 'features', { decays }, range)
  assertArgument(smoothing >= 0 && smoothing < 1, 'features', { smoothing }, 'a number in [0, 1)')
  const rows = new Rows(training, { classes, smoothing, ...(classWeights && { classWeights }) })
  const held = validation && new Rows(validation, { classes, smoothing, like: rows })
  const tried: Tried[] = []
  let at: Float64Array = new Float64Array((training.width + 1) * classes)
  let best: { readonly at: Float64Array; readonly tried: Tried } | undefined
  try {
    for (const decay of decays.toSorted((a, b) => b - a)) {
      const objective = async (x: Float64Array) => {
        signal?.throwIfAborted()
        return rows.penalised(x, decay)
      }
      // Each fit starts from the previous one, which is near.
      ;({ at } = await minimize(objective, at, { maxSteps }))
      const judged = { decay, training: await rows.metrics(at) }
      const own = held ? { ...judged, validation: await held.metrics(at) } : judged
      tried.push(own)
      if (!best || lossOf(own) < lossOf(best.tried)) best = { at, tried: own }
      // The loss is roughly convex in the logarithm of the decay: it won't fall again.
      else if (lossOf(own) > 1.1 * lossOf(best.tried)) break
    }
    return { ...rows.layer(best!.at), ...best!.tried, tried }
  } finally {
    tf.dispose([rows.tensors(), held?.tensors() ?? []])
  }
}

const lossOf = ({ training, validation }: Tried): number => (validation ?? training).loss
