// What all tests on WebGPU have in common, in Node and in browsers.
import * as tf from '@tensorflow/tfjs-core'
import type { Adapter } from '@tricks/webgpu'
import { beforeEach, expect } from 'vitest'

/**
 * Readies the backend for a file's tests.
 *
 * @param wanted 'all' for all of them on a software device too, where laws that train take minutes
 */
export function testOnWebgpu(wanted: string, { software }: Adapter): void {
  const isShort = software && wanted !== 'all'
  beforeEach(({ task, skip }) => {
    if (isShort && tf.getBackend() === 'webgpu' && /^(2|5|6|7|10): /.test(task.name))
      skip('not on a software device, unless TRICKS_TEST_WEBGPU is all')
  })
  // Small operations too: tfjs would compute them on the processor.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  // Of tfjs's matrix products the one that a software device is not slowest at.
  tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', 3)
  // The kit tests there what it says of broken tricks, which other backends show as well.
  const { testPath = '' } = expect.getState()
  if (testPath.includes('tools/conformance/') || (isShort && testPath.includes('train/fit/')))
    tf.removeBackend('webgpu')
}
