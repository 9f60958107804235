// Checks that a repaired package computes.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Target } from './target.ts'

const run = promisify(execFile)

/** Imports the package as a program does, and computes the gradient of a convolution: of 9 windows of ones, 9. */
const program = `
const tf = require(process.argv[1])
const filter = tf.variable(tf.ones([3, 3, 1, 1]))
const loss = () => tf.sum(tf.conv2d(tf.ones([1, 5, 5, 1]), filter, 1, 'valid'))
const { value, grads } = tf.variableGrads(loss)
const [gradient] = Object.values(grads)
if (value.dataSync()[0] !== 81 || gradient.dataSync().some((each) => each !== 9))
  throw new Error('the gradient of a convolution is wrong')
console.log(tf.backend().isUsingGpuDevice ? 'GPU' : 'CPU')
`

/** The device that the package computes on. @throws Error if it does not work */
export async function verifyPackage({ name, folder }: Target): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, ['-e', program, folder])
    return stdout.trim().split('\n').at(-1)!
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    const reason = /^(?:\w*Error): .*$/m.exec(stderr)?.[0] ?? message.split('\n')[0]
    throw new Error(`native: ${name} does not work after the repair, which is undone: ${reason}`, {
      cause: error,
    })
  }
}
