import * as tf from '@tensorflow/tfjs-core'
import { type Law, law } from '../law.ts'
import { callsOf, describeSize, sizeOf, steps } from '../scene.ts'

/** A device that has to hand values to the host stands still meanwhile. */
export const readBack: Law = law(3, 'reads nothing back in a hook', ({ make }) => {
  const size = sizeOf(1)
  for (let step = 0; step < steps; step++) {
    const { calls, dispose } = callsOf(make(), size, step)
    try {
      for (const { hook, run } of calls) {
        const method = readDuring(() => tf.tidy(() => void run()))
        if (method)
          throw new Error(
            `${hook} reads a tensor back, by ${method}, at step ${step} of ${describeSize(size)}. Decide ` +
              `on the host in draw and pass numbers on, or stay on the device: tf.where, tf.gather`,
          )
      }
    } finally {
      dispose()
    }
  }
})

/** All of a tensor's methods end in one of these; a backend's kernels do not. */
const methods = { readSync: 'dataSync or arraySync', read: 'data or array' } as const

function readDuring(work: () => void): string | undefined {
  const engine = tf.engine()
  let found: string | undefined
  for (const [name, method] of Object.entries(methods)) {
    const original = engine[name as 'readSync'].bind(engine)
    engine[name as 'readSync'] = (...given) => {
      found ??= method
      return original(...given)
    }
  }
  try {
    work()
  } finally {
    // Their own property hides the class's method; without it the method is back.
    for (const name of Object.keys(methods))
      delete (engine as Partial<typeof engine>)[name as 'read']
  }
  return found
}
