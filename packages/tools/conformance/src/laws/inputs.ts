import * as tf from '@tensorflow/tfjs-core'
import { count, type Law, law, same, short, show } from '../law.ts'
import { run } from '../run.ts'
import { callsOf, describeSize, sizeOf, tensorsIn } from '../scene.ts'

/** Hooks return new tensors and leave no others behind. */
export const inputs: Law = law(
  2,
  'leaves its inputs unchanged, and no tensor behind except its result',
  async ({ make }) => {
    for (const batch of [1, 2]) {
      const size = sizeOf(batch)
      const where = describeSize(size)
      const { calls, dispose } = callsOf(make(), size)
      try {
        for (const { hook, inputs: given, params, pure, run: call } of calls) {
          const drawn = structuredClone(params?.())
          const before = await valuesOf(given)
          const tensors = tf.memory().numTensors
          const result = pure ? call() : tf.tidy(() => void call())
          const own = Object.values(given)
          const made = new Set(
            Object.values(tensorsIn(result)).filter((each) => !own.includes(each)),
          )
          const left = tf.memory().numTensors - tensors - made.size
          for (const [name, tensor] of Object.entries(given))
            if (tensor.isDisposed)
              throw new Error(
                `${hook} disposes ${name} at ${where}. They are the caller's: dispose only what the ` +
                  `hook made, or leave that to tf.tidy`,
              )
          if (pure && left > 0)
            throw new Error(
              `${hook} left ${count(left, 'tensor')} behind at ${where}. Wrap its body in ` +
                `tf.tidy(() => …), which disposes all but the result`,
            )
          tf.dispose([...made])
          if (!same(drawn, params?.()))
            throw new Error(
              `${hook} changes its params at ${where}: ${show(drawn)} became ${show(params?.())}. A ` +
                `replay applies them again: change a copy`,
            )
          const after = await valuesOf(given)
          for (const [name, values] of Object.entries(before)) {
            const at = values.findIndex((value, i) => !Object.is(value, after[name]![i]))
            if (at >= 0)
              throw new Error(
                `${hook} changes ${name} at ${where}: value ${at} was ${short(values[at]!)} and is ` +
                  `${short(after[name]![at]!)}. Return a new tensor, and restore weights after temporary changes`,
              )
          }
        }
      } finally {
        dispose()
      }
    }
    await runs(make)
  },
)

/** Tensors that a trick keeps during a run are disposed when the next one starts. */
async function runs(make: Parameters<Law['check']>[0]['make']): Promise<void> {
  const trick = make()
  await run([trick])
  const before = tf.memory().numTensors
  await run([trick])
  const left = tf.memory().numTensors - before
  if (left > 0)
    throw new Error(
      `a second run of 12 steps leaves ${count(left, 'tensor')} more than the first. Keep tensors in the ` +
        `state that start returns: core disposes replaced tensors`,
    )
}

const valuesOf = async (
  tensors: Readonly<Record<string, tf.Tensor>>,
): Promise<Record<string, number[]>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(tensors).map(
        async ([name, tensor]) => [name, Array.from(await tensor.data<'float32'>())] as const,
      ),
    ),
  )
