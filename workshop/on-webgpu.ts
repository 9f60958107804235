// Settings for all tests on WebGPU, in Node and in browsers.
import * as tf from '@tensorflow/tfjs-core'
import type { Adapter } from '@tricks/webgpu'
import { beforeEach, expect } from 'vitest'

/**
 * Prepares the backend for a file's tests.
 *
 * @param wanted 'all' includes tests on a software device where training takes minutes
 */
export function testOnWebgpu(wanted: string, { software }: Adapter): void {
  const isShort = software && wanted !== 'all'
  beforeEach(({ task, skip }) => {
    if (isShort && tf.getBackend() === 'webgpu' && /^(2|5|6|7|10): /.test(task.name))
      skip('not on a software device, unless TRICKS_TEST_WEBGPU is all')
  })
  // Includes small operations, which tfjs would compute on the CPU.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  // The fastest of tfjs's matrix products on a software device.
  tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', 3)
  // The kit's tests of messages about broken tricks run on other backends too.
  const { testPath = '' } = expect.getState()
  if (testPath.includes('tools/conformance/') || (isShort && testPath.includes('train/fit/')))
    tf.removeBackend('webgpu')
}
