import * as tf from '@tensorflow/tfjs-core'
import type { Tensors, Variables } from '@tricks/core'
import { trainableOf } from '@tricks/core/model'
import { type Law, law, short, show, type Subject } from '../law.ts'
import {
  type Call,
  callsOf,
  classes,
  describeSize,
  randomFor,
  runOf,
  type Size,
  sizeOf,
  steps,
  tensorsIn,
  timeAt,
  variablesOf,
} from '../scene.ts'

/** Outputs have the form of inputs. */
export const shapes: Law = law(
  4,
  'keeps shapes and dtypes, images in [0, 1], target rows that sum to 1',
  async (subject) => {
    for (const batch of [1, 2, 7])
      for (let step = 0; step < 6; step++) await checkCalls(subject, sizeOf(batch), step)
    checkRates(subject)
  },
)

/** Calls every hook and checks the tensors that it returns. */
export async function checkCalls(subject: Subject, size: Size, step = 0): Promise<void> {
  const { calls, dispose } = callsOf(subject.make(), size, step)
  try {
    for (const call of calls) {
      const where = `${call.hook} at step ${step} of ${describeSize(size)}`
      const made = tf.tidy(() => {
        const tensors = Object.entries(tensorsIn(call.run()))
        return Object.fromEntries(tensors.map(([name, tensor]) => [name, tf.clone(tensor)]))
      })
      const expected = shapesOf(call, size, subject)
      const some = call.hook === 'evaluation.weights'
      for (const name of Object.keys(expected))
        if (!made[name] && !some)
          throw new Error(`${where} doesn't return ${describeResult(name, call)}. Return it`)
      for (const [name, tensor] of Object.entries(made)) {
        const noun = describeResult(name, call)
        if (some && !expected[name])
          throw new Error(
            `${where} returns ${name}, which is not a variable's path. Use the paths of \`variables\``,
          )
        if (expected[name]) checkForm(`${where} returns ${noun}`, tensor, expected[name], call)
        if (call.hook !== 'prepare')
          checkValues(where, noun, call, Array.from(await tensor.data<'float32'>()))
      }
      tf.dispose(made)
    }
  } finally {
    dispose()
  }
}

/** The shapes that a hook must return, by name; `result` for a single tensor. */
function shapesOf(
  { hook, inputs, params }: Call,
  { batch, height, width, channels }: Size,
  { options, make }: Subject,
): Readonly<Record<string, readonly number[]>> {
  const weights = Object.entries(inputs).filter(([, tensor]) => tensor instanceof tf.Variable)
  switch (hook) {
    case 'images.apply': {
      const declared = make().images?.outputSize?.(params?.())
      const own = declared ? [declared.height, declared.width] : [height, width]
      return { result: [batch, ...(options.outputSize?.(height, width) ?? own), channels] }
    }
    case 'mix.apply':
      return { images: [batch, height, width, channels], targets: [batch, classes] }
    case 'targets':
    case 'evaluation.predict':
      return { result: [batch, classes] }
    case 'loss':
    case 'penalty':
      return { result: [] }
    case 'gradients':
      return shapesIn(trainableOf(Object.fromEntries(weights) as Variables))
    case 'evaluation.weights':
      return shapesIn(Object.fromEntries(weights))
    default:
      return {}
  }
}

const shapesIn = (tensors: Tensors): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([path, { shape }]) => [path, shape]))

function describeResult(name: string, { hook }: Call): string {
  if (hook === 'gradients') return `a gradient of ${name}`
  if (name !== 'result') return name
  const nouns: Readonly<Record<string, string>> = {
    'images.apply': 'images',
    targets: 'targets',
    'evaluation.predict': 'predictions',
    loss: 'a scalar',
    penalty: 'a scalar',
  }
  return nouns[hook] ?? 'a tensor'
}

function checkForm(
  what: string,
  { shape, dtype }: tf.Tensor,
  expected: readonly number[],
  { hook }: Call,
): void {
  if (shape.join() !== expected.join())
    throw new Error(
      `${what} of shape [${shape.join(', ')}], expected [${expected.join(', ')}]. Keep the shape` +
        (hook === 'images.apply'
          ? ", or declare another height and width with the kit's `outputSize`"
          : ''),
    )
  if (dtype !== 'float32')
    throw new Error(`${what} of dtype ${dtype}, expected float32. Cast: tf.cast(x, 'float32')`)
}

function checkValues(where: string, noun: string, { hook }: Call, values: number[]): void {
  const nonFinite = values.find((value) => !Number.isFinite(value))
  if (nonFinite !== undefined)
    throw new Error(
      `${where} returns ${noun} that contains ${nonFinite}. Look for a division by 0 or the logarithm of 0`,
    )
  if (hook === 'images.apply') {
    const beyond = values.find((value) => value < -1e-6 || value > 1 + 1e-6)
    if (beyond !== undefined)
      throw new Error(
        `${where} returns images that contain ${short(beyond)}, expected values in [0, 1]. ` +
          `Clip: tf.clipByValue(images, 0, 1)`,
      )
  }
  if (noun === 'targets')
    for (let row = 0; row * classes < values.length; row++) {
      const weights = values.slice(row * classes, (row + 1) * classes)
      const sum = weights.reduce((a, b) => a + b)
      const lowest = Math.min(...weights)
      if (Math.abs(sum - 1) > 1e-5 || lowest < -1e-6)
        throw new Error(
          `${where} returns targets whose row ${row} sums to ${short(sum)}, with a minimum of ` +
            `${short(lowest)}, expected a sum of 1 and a minimum of 0. Mix with weights that sum to 1`,
        )
    }
}

function checkRates({ make }: Subject): void {
  const trick = make()
  if (!trick.learningRate) return
  const size = sizeOf(2)
  const variables = variablesOf(size.channels)
  const state = trick.start?.({ ...runOf(variables, size), random: randomFor(trick, 0) })
  for (let step = 0; step <= 2 * steps; step++) {
    const rate = trick.learningRate(0.1, timeAt(step), state)
    if (!(typeof rate === 'number' && Number.isFinite(rate) && rate >= 0))
      throw new Error(
        `learningRate returns ${typeof rate === 'number' ? short(rate) : show(rate)} at step ${step} of a run of ${steps}, expected a finite number ` +
          `of at least 0. Keep the last rate after the end, and avoid a division by 0`,
      )
  }
  tf.dispose(variables)
}
