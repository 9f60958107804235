import * as tf from '@tensorflow/tfjs-core'
import { type Law, law } from '../law.ts'
import { callsOf, describeSize, sizeOf, steps } from '../scene.ts'

/** A device is idle while values are read back to the host. */
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

/** All of a tensor's read methods use one of these; a backend's kernels do not. */
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
    // An own property hides the class's method; deleting it restores the method.
    for (const name of Object.keys(methods))
      delete (engine as Partial<typeof engine>)[name as 'read']
  }
  return found
}
