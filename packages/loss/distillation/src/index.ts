import * as tf from '@tensorflow/tfjs-core'
import { assertArgument, softmaxCrossEntropy, type Trick } from '@tricks/core'
import {
  checked,
  defineOptions,
  defineParameters,
  number,
  optional,
  type OptionsOf,
} from '@tricks/core/options'
import { checkTeacher, isTeacher, logitsOf, nameOf, type Teacher, weightsOf } from './teacher.ts'

export type { Teacher }

const temperatures = { min: 1e-6, max: 1e6, scale: 'log' } as const

export const distillationOptions = defineOptions('distillation', {
  /** The teacher: a tfjs-layers model, or `{ apply }`, that returns logits `[batch, classes]`. */
  teacher: checked<Teacher>('a model, which has apply(images, options)', isTeacher),
  /** Softens both distributions: 20 in He et al. for ImageNet, 3 to 5 for few classes. */
  temperature: number({ ...temperatures, default: 20 }),
  /** Weight of the teacher's term, as in Hinton et al. @defaultValue both terms are added */
  alpha: optional(number({ min: 0, max: 1 })),
})
export type DistillationOptions = OptionsOf<typeof distillationOptions>

const rows = checked<tf.Tensor2D>(
  'a tensor [batch, classes]',
  (value) => value instanceof tf.Tensor && value.rank === 2,
)
const lossParameters = defineParameters('distillation', {
  student: rows,
  teacher: rows,
  targets: rows,
  temperature: number(temperatures),
  alpha: distillationOptions.kinds.alpha,
})

/** The teacher's term: a cross-entropy, or with `relative` the KL divergence, which is 0 if both agree. */
function softLoss(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  temperature: number,
  relative: boolean,
): tf.Scalar {
  const [own, teacherLogits] = [student, teacher].map((logits) =>
    tf.logSoftmax(tf.div(logits, temperature)),
  )
  const apart = relative ? tf.sub(own!, teacherLogits!) : own!
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.exp(teacherLogits!), apart), 1)))
}

/** Combines the hard and the soft term. */
const join = (hard: tf.Scalar, soft: tf.Scalar, temperature: number, alpha?: number): tf.Scalar =>
  alpha === undefined
    ? tf.add(hard, tf.mul(soft, temperature ** 2))
    : tf.add(tf.mul(hard, 1 - alpha), tf.mul(soft, alpha * temperature ** 2))

/**
 * Hard loss plus distillation loss: l(p, softmax z) + T² · l(softmax(r / T), softmax(z / T)) for targets p, student
 * logits z, teacher logits r and the cross-entropy l, averaged over the batch; with alpha Hinton's form, (1 − alpha) ·
 * l(p, softmax z) + alpha · T² · KL(softmax(r / T) ‖ softmax(z / T)).
 *
 * @param student logits `[batch, classes]`
 * @param teacher logits `[batch, classes]`
 * @param targets `[batch, classes]`, rows that sum to 1
 * @param temperature T, in [1e-6, 1e6]
 * @param alpha in [0, 1]
 * @returns a scalar
 * @throws RangeError for a temperature or an alpha out of its range, or tensors of different shapes
 * @example
 * const logits = { student: studentLogits, teacher: teacherLogits }
 * distillationLoss({ ...logits, targets, temperature: 4, alpha: 0.9 })
 * @see Hinton et al. 2015, https://arxiv.org/abs/1503.02531; He et al. 2019, https://arxiv.org/abs/1812.01187
 */
export function distillationLoss(given: OptionsOf<typeof lossParameters>): tf.Scalar {
  const { student, teacher, targets, temperature, alpha } = lossParameters.parse(given)
  for (const [name, { shape }] of Object.entries({ teacher, targets }))
    assertArgument(
      tf.util.arraysEqual(shape, student.shape),
      'distillation',
      { [name]: shape },
      `of the student's shape [${student.shape.join(', ')}]`,
    )
  return tf.tidy(() => {
    const soft = softLoss(student, teacher, temperature, alpha !== undefined)
    return join(softmaxCrossEntropy(targets, student), soft, temperature, alpha)
  })
}

/**
 * Trains a student on a teacher's soft predictions in addition to the targets. The teacher predicts the same augmented
 * and mixed images once per step, outside the gradient tape; its variables don't change.
 *
 * @throws RangeError for an option out of its range; Error for a teacher that doesn't return logits `[batch, classes]`
 * @example
 * compose([distillation({ teacher })])
 * @see Hinton et al. 2015, https://arxiv.org/abs/1503.02531; He et al. 2019, https://arxiv.org/abs/1812.01187
 */
export function distillation({ key, ...given }: DistillationOptions): Trick {
  const { teacher, temperature, alpha } = distillationOptions.parse(given)
  checkTeacher(teacher)
  return {
    name: 'distillation',
    key,
    options: { teacher: nameOf(teacher), temperature, alpha },
    constants: () => weightsOf(teacher),
    prepare({ images, targets }) {
      return tf.tidy(() => ({ logits: logitsOf(teacher, images, targets.shape) }))
    },
    loss(loss, { logits, prepared }) {
      return tf.tidy(() => {
        const teacherLogits = prepared['logits'] as tf.Tensor2D
        return join(
          loss,
          softLoss(logits, teacherLogits, temperature, alpha !== undefined),
          temperature,
          alpha,
        )
      })
    },
  }
}
