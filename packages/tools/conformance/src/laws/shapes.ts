import * as tf from '@tensorflow/tfjs-core'
import { type Law, law, show, type Subject } from '../law.ts'
import { type Call, callsOf, classes, inWords, type Size, sizeOf, tensorsIn } from '../scene.ts'

/** What comes out can be used as what went in. */
export const shapes: Law = law(
  4,
  'keeps shapes and dtypes, images in [0, 1], target rows that sum to 1',
  async (subject) => {
    for (const batch of [1, 2, 7])
      for (let step = 0; step < 6; step++) await checkCalls(subject, sizeOf(batch), step)
  },
)

/** Calls every hook and looks at what it gives. */
export async function checkCalls(subject: Subject, size: Size, step = 0): Promise<void> {
  const { calls, dispose } = callsOf(subject.make(), size, step)
  try {
    for (const call of calls) {
      const result = tf.tidy(() => {
        const given = call.run()
        return Object.fromEntries(
          Object.entries(tensorsIn(given)).map(([name, tensor]) => [name, tf.clone(tensor)]),
        )
      })
      const where = `${call.hook} at step ${step} of ${inWords(size)}`
      for (const [name, tensor] of Object.entries(result))
        await checkTensor(where, name, tensor, subject, size, call)
      if (call.hook === 'learningRate') checkRate(call.run(), step)
      if (call.hook === 'gradients') checkPaths(result, call, where)
      tf.dispose(result)
    }
  } finally {
    dispose()
  }
}

async function checkTensor(
  where: string,
  name: string,
  tensor: tf.Tensor,
  { options }: Subject,
  size: Size,
  { hook, inputs }: Call,
): Promise<void> {
  const { batch, height, width, channels } = size
  const [outHeight, outWidth] = options.outputSize?.(height, width) ?? [height, width]
  const kind = hook === 'images.apply' ? 'images' : hook === 'targets' ? 'targets' : name
  const expected =
    hook === 'gradients'
      ? inputs[name]?.shape
      : hook === 'loss' || hook === 'penalty'
        ? []
        : hook === 'evaluation.predict' || kind === 'targets'
          ? [batch, classes]
          : kind === 'images' && hook !== 'prepare'
            ? [batch, outHeight, outWidth, channels]
            : undefined
  if (expected && expected.join() !== tensor.shape.join())
    throw new Error(
      `${where} gives ${nameOf(kind)} of shape ${show(tensor.shape)}, expected ${show(expected)}. ` +
        `Keep the shape` +
        (kind === 'images' ? ', or declare it in the kit’s `outputSize`' : ''),
    )
  if (expected && tensor.dtype !== 'float32')
    throw new Error(
      `${where} gives ${nameOf(kind)} of dtype ${tensor.dtype}, expected float32. Cast: tf.cast(x, 'float32')`,
    )
  if (hook === 'prepare') return
  const values = Array.from(await tensor.data<'float32'>())
  const strange = values.find((value) => !Number.isFinite(value))
  if (strange !== undefined)
    throw new Error(
      `${where} gives ${nameOf(kind)} with ${strange}. Look for a division by 0 or the logarithm of one`,
    )
  if (hook === 'images.apply') {
    const beyond = values.find((value) => value < -1e-6 || value > 1 + 1e-6)
    if (beyond !== undefined)
      throw new Error(
        `${where} gives an image with ${beyond}, expected values in [0, 1]. Clip: tf.clipByValue(images, 0, 1)`,
      )
  }
  if (hook === 'targets' || (hook === 'mix.apply' && name === 'targets'))
    for (let row = 0; row < batch; row++) {
      const weights = values.slice(row * classes, (row + 1) * classes)
      const sum = weights.reduce((a, b) => a + b)
      if (Math.abs(sum - 1) > 1e-5 || weights.some((weight) => weight < -1e-6))
        throw new Error(
          `${where} gives target row ${row} the sum ${sum} and the lowest weight ` +
            `${Math.min(...weights)}, expected 1 and at least 0. Weight the rows by shares of one whole`,
        )
    }
}

const nameOf = (kind: string): string => (kind === 'result' ? 'a tensor' : kind)

function checkRate(rate: unknown, step: number): void {
  if (!(typeof rate === 'number' && Number.isFinite(rate) && rate >= 0))
    throw new Error(
      `learningRate gives ${show(rate)} at step ${step} of 12, expected a finite number of at least 0. ` +
        `Look at the first and last step, and past the end`,
    )
}

function checkPaths(
  result: Readonly<Record<string, tf.Tensor>>,
  { inputs }: Call,
  where: string,
): void {
  const expected = Object.keys(inputs).filter(
    (path) => inputs[path] instanceof tf.Variable && (inputs[path] as tf.Variable).trainable,
  )
  const missing = expected.find((path) => !(path in result))
  if (missing)
    throw new Error(
      `${where} gives no gradient for ${missing}. Give one for each path that next() gives`,
    )
}
