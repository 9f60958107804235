// What all tests on WebGPU have in common, in Node and in browsers.
import * as tf from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/** Readies the backend for a file's tests. */
export function testOnWebgpu(): void {
  // Small operations too: tfjs would compute them on the processor.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  // Of tfjs's matrix products the one that a software device is not slowest at.
  tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', 3)
  // The kit tests there what it says of broken tricks, which other backends show as well.
  const { testPath = '' } = expect.getState()
  if (testPath.includes('tools/conformance/')) tf.removeBackend('webgpu')
}
