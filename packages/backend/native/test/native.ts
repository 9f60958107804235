import * as tf from '@tensorflow/tfjs-core'

/** Whether the backend is installed; the tests' set-up then has registered it. */
export const installed: boolean = tf.findBackendFactory('tensorflow') !== null
