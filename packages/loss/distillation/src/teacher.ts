import * as tf from '@tensorflow/tfjs-core'
import { assertOption } from '@tricks/core'

/** What teaches: a tfjs-layers model, or anything with `apply` that gives logits `[batch, classes]`. */
export interface Teacher {
  apply(images: tf.Tensor, options: { readonly training: false }): unknown
  readonly name?: string
  readonly layers?: readonly { getConfig?(): { readonly activation?: unknown } }[]
}

export function checkTeacher(teacher: Teacher): void {
  const applies = typeof (teacher as Teacher | undefined)?.apply === 'function'
  assertOption(applies, 'distillation', { teacher }, 'a model, which has apply(images, options)')
  const last = teacher.layers?.at(-1)
  if (last?.getConfig?.().activation === 'softmax')
    throw new Error(
      'distillation: the teacher ends in a softmax, but the losses take logits: leave the activation out',
    )
}

/** What the teacher predicts, in evaluation: its variables stay as they are. */
export function logitsOf(
  teacher: Teacher,
  images: tf.Tensor4D,
  [batch, classes]: readonly number[],
): tf.Tensor2D {
  const logits = teacher.apply(images, { training: false })
  const shape = logits instanceof tf.Tensor ? logits.shape : []
  if (shape.length !== 2 || shape[0] !== batch || shape[1] !== classes)
    throw new Error(
      `distillation: expected the teacher to give logits [${batch}, ${classes}], got [${shape.join(', ')}]`,
    )
  return logits as tf.Tensor2D
}
