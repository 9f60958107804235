import * as tf from '@tensorflow/tfjs-core'

/** Whether the backend is there; where it is, the tests' set-up has registered it. */
export const installed: boolean = tf.findBackendFactory('tensorflow') !== null
