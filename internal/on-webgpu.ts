// What all tests on WebGPU have in common, in Node and in browsers.
import * as tf from '@tensorflow/tfjs-core'
import { leaveOut } from '@tricks/conformance'
import { expect } from 'vitest'

/** Tests of whole trainings, which take minutes on a software device. */
const trainings = /packages\/(optimize|train\/layers|tools\/conformance)\//

/**
 * Readies the backend for a file's tests.
 *
 * @param extent 'all', or 'some': no whole trainings, and of the laws those about a batch or two
 */
export function testOnWebgpu(extent: string): void {
  // Small operations too: tfjs would compute them on the processor.
  tf.env().set('WEBGPU_CPU_FORWARD', false)
  // Of tfjs's matrix products the one that a software device is not slowest at.
  tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', 3)
  if (extent === 'all') return
  if (trainings.test(expect.getState().testPath ?? '')) tf.removeBackend('webgpu')
  leaveOut(
    'webgpu',
    [2, 5, 6, 7, 10],
    'where they take minutes (TRICKS_TEST_WEBGPU=all checks them)',
  )
}
