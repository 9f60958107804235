import * as tf from '@tensorflow/tfjs-core'
import type { Variables } from '@tricks/core'
import { finalActivation, type Layered, variablesOf } from '@tricks/core/model'

/**
 * What teaches: a tfjs-layers model, or anything with `apply` that gives logits `[batch, classes]`. Only of a teacher
 * with `layers` or `variables` a checkpoint knows whether it is the same.
 */
export interface Teacher extends Layered {
  apply(images: tf.Tensor, options: { readonly training: false }): unknown
  readonly name?: string
  /** A tfjs-layers model has it: known sizes let it be checked as soon as the trick is made. */
  readonly inputs?: readonly { readonly shape: readonly (number | null)[] }[]
}

export const isTeacher = (value: unknown): value is Teacher =>
  typeof (value as Partial<Teacher> | null)?.apply === 'function'

/** tfjs counts the models without a name of their own across the process, in which others may have been made. */
export const nameOf = ({ name }: Teacher): string | null =>
  name === undefined || /^(sequential_|model|functional)\d+$/.test(name) ? null : name

/** A teacher's weights and statistics, as far as it lists them. */
export const weightsOf = (teacher: Teacher): Variables =>
  teacher.layers || teacher.variables ? variablesOf(teacher) : {}

/** Those that are known to give logits. */
const checked = new WeakSet<Teacher>()

export function checkTeacher(teacher: Teacher): void {
  const sizes = teacher.inputs?.length === 1 ? teacher.inputs[0]!.shape.slice(1) : [null]
  if (!sizes.includes(null))
    tf.tidy(() => void predict(teacher, tf.zeros([1, ...(sizes as number[])])))
}

/** What the teacher gives; its first outputs are checked to be no probabilities. */
function predict(teacher: Teacher, images: tf.Tensor): unknown {
  const forward = (): unknown => teacher.apply(images, { training: false })
  if (checked.has(teacher)) return forward()
  const { outputs, activation } = finalActivation(forward)
  if (activation)
    throw new Error(
      `distillation: the teacher ends in a ${activation}, but the losses take logits: leave the activation out`,
    )
  checked.add(teacher)
  return outputs
}

/** What the teacher predicts, in evaluation: its variables stay as they are. */
export function logitsOf(
  teacher: Teacher,
  images: tf.Tensor4D,
  [batch, classes]: readonly number[],
): tf.Tensor2D {
  const logits = predict(teacher, images)
  const shape = logits instanceof tf.Tensor ? logits.shape : []
  if (shape.length !== 2 || shape[0] !== batch || shape[1] !== classes)
    throw new Error(
      `distillation: expected the teacher to give logits [${batch}, ${classes}], got [${shape.join(', ')}]`,
    )
  return logits as tf.Tensor2D
}
