import * as tf from '@tensorflow/tfjs-core'
import { assertOption, softmaxCrossEntropy, type Trick } from '@tricks/core'
import { checkTeacher, logitsOf, type Teacher } from './teacher.ts'

export type { Teacher }

export interface DistillationOptions {
  readonly teacher: Teacher
  /** Softens both predictions, above 0; default 20, that of He et al. 2019. */
  readonly temperature?: number
  /** The share of the teacher's part, in [0, 1], as Hinton et al. weight it; without it both parts are added. */
  readonly alpha?: number
  /** Tells two of the same trick apart. */
  readonly key?: string
}

/** The teacher's part: a cross-entropy, or with `relative` the divergence, which is 0 where both agree. */
function softLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  temperature: number,
  relative: boolean,
): tf.Scalar {
  const [own, taught] = [student, teacher].map((logits) =>
    tf.logSoftmax(tf.div(logits, temperature)),
  )
  const apart = relative ? tf.sub(own!, taught!) : own!
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.exp(taught!), apart), 1)))
}

/** The hard and the soft part in one. */
const join = (hard: tf.Scalar, soft: tf.Scalar, temperature: number, alpha?: number): tf.Scalar =>
  alpha === undefined
    ? tf.add(hard, tf.mul(soft, temperature ** 2))
    : tf.add(tf.mul(hard, 1 - alpha), tf.mul(soft, alpha * temperature ** 2))

/**
 * l(p, softmax z) + T² · l(softmax(r / T), softmax(z / T)) for the targets p, the student's logits z, the teacher's r
 * and the cross-entropy l, its mean over the batch; with alpha Hinton's form,
 * (1 − alpha) · l(p, softmax z) + alpha · T² · KL(softmax(r / T) ‖ softmax(z / T)).
 *
 * @param student logits `[batch, classes]`
 * @param teacher logits `[batch, classes]`
 * @param targets `[batch, classes]`, rows that sum to 1
 * @param temperature T, above 0
 * @param alpha in [0, 1]
 * @returns a scalar
 * @throws RangeError for a temperature or an alpha out of its range
 * @example
 * const logits = { student: studentLogits, teacher: teacherLogits }
 * distillationLoss({ ...logits, targets, temperature: 4, alpha: 0.9 })
 * @see Hinton et al. 2015, https://arxiv.org/abs/1503.02531; He et al. 2019, https://arxiv.org/abs/1812.01187
 */
export function distillationLoss({
  student,
  teacher,
  targets,
  temperature,
  alpha,
}: {
  readonly student: tf.Tensor2D
  readonly teacher: tf.Tensor2D
  readonly targets: tf.Tensor2D
  readonly temperature: number
  readonly alpha?: number
}): tf.Scalar {
  check(temperature, alpha)
  return tf.tidy(() => {
    const soft = softLoss(student, teacher, temperature, alpha !== undefined)
    return join(softmaxCrossEntropy(targets, student), soft, temperature, alpha)
  })
}

function check(temperature: number, alpha?: number): void {
  const warm = temperature >= 1e-6 && temperature <= 1e6
  assertOption(warm, 'distillation', { temperature }, 'a number from 1e-6 to 1e6')
  const share = alpha === undefined || (alpha >= 0 && alpha <= 1)
  assertOption(share, 'distillation', { alpha }, 'a number in [0, 1]')
}

/**
 * Learns from a teacher's soft predictions besides the targets. The teacher predicts the same augmented and mixed
 * images, once a step, before the gradient's tape starts, and nothing of it changes.
 *
 * @throws RangeError for an option out of its range; Error for a teacher that doesn't give logits `[batch, classes]`
 * @example
 * compose([distillation({ teacher })])
 * @see Hinton et al. 2015, https://arxiv.org/abs/1503.02531; He et al. 2019, https://arxiv.org/abs/1812.01187
 */
export function distillation({
  teacher,
  temperature = 20,
  alpha,
  key,
}: DistillationOptions): Trick {
  checkTeacher(teacher)
  check(temperature, alpha)
  return {
    name: 'distillation',
    key,
    options: { teacher: teacher.name ?? null, temperature, alpha },
    prepare({ images, targets }) {
      return tf.tidy(() => ({ logits: logitsOf(teacher, images, targets.shape) }))
    },
    loss(loss, { logits, prepared }) {
      return tf.tidy(() => {
        const taught = prepared['logits'] as tf.Tensor2D
        return join(
          loss,
          softLoss(logits, taught, temperature, alpha !== undefined),
          temperature,
          alpha,
        )
      })
    },
  }
}
