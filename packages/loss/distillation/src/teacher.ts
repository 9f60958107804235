import * as tf from '@tensorflow/tfjs-core'
import type { Variables } from '@tricks/core'
import { finalActivation, type Layered, variablesOf } from '@tricks/core/model'

/**
 * A teacher: a tfjs-layers model, or an object with `apply` that returns logits `[batch, classes]`. A checkpoint can
 * only verify a teacher with `layers` or `variables`.
 */
export interface Teacher extends Layered {
  apply(images: tf.Tensor, options: { readonly training: false }): unknown
  readonly name?: string
  /** Present in tfjs-layers models: with known sizes, the teacher is checked when the trick is created. */
  readonly inputs?: readonly { readonly shape: readonly (number | null)[] }[]
}

export const isTeacher = (value: unknown): value is Teacher =>
  typeof (value as Partial<Teacher> | null)?.apply === 'function'

/** A teacher's name; null for a default one, as tfjs numbers unnamed models across the process. */
export const nameOf = ({ name }: Teacher): string | null =>
  name === undefined || /^(sequential_|model|functional)\d+$/.test(name) ? null : name

/** A teacher's weights and statistics, if it lists them. */
export const weightsOf = (teacher: Teacher): Variables =>
  teacher.layers || teacher.variables ? variablesOf(teacher) : {}

/** Teachers whose outputs were checked. */
const checked = new WeakSet<Teacher>()

export function checkTeacher(teacher: Teacher): void {
  const sizes = teacher.inputs?.length === 1 ? teacher.inputs[0]!.shape.slice(1) : [null]
  if (!sizes.includes(null))
    tf.tidy(() => void predict(teacher, tf.zeros([1, ...(sizes as number[])])))
}

/** Calls the teacher; its first outputs are checked not to be probabilities. */
function predict(teacher: Teacher, images: tf.Tensor): unknown {
  const forward = (): unknown => teacher.apply(images, { training: false })
  if (checked.has(teacher)) return forward()
  const { outputs, activation } = finalActivation(forward)
  if (activation)
    throw new Error(
      `distillation: the teacher ends in a ${activation}, but the losses take logits: remove the activation`,
    )
  checked.add(teacher)
  return outputs
}

/** The teacher's logits, in evaluation mode: its variables don't change. */
export function logitsOf(
  teacher: Teacher,
  images: tf.Tensor4D,
  [batch, classes]: readonly number[],
): tf.Tensor2D {
  const logits = predict(teacher, images)
  const shape = logits instanceof tf.Tensor ? logits.shape : []
  if (shape.length !== 2 || shape[0] !== batch || shape[1] !== classes)
    throw new Error(
      `distillation: expected the teacher to return logits [${batch}, ${classes}], got [${shape.join(', ')}]`,
    )
  return logits as tf.Tensor2D
}
