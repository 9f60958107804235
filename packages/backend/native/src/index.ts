import * as tf from '@tensorflow/tfjs-core'
import { findInstallation } from './installation.ts'
import { registerKernels } from './kernels/index.ts'
import { backendName } from './kernels/op.ts'
import { load } from './load.ts'
import { registerPrecision } from './precision.ts'
import { releaseEarly } from './release.ts'

// Where the program has tfjs-node itself, its backend is the one that gets the kernels.
if (tf.findBackendFactory(backendName) === null) {
  const installation = findInstallation()
  if (!installation)
    throw new Error('native: no libtensorflow is installed yet (npx @tricks/native install)')
  // As in tfjs-node, before every other backend when none is asked for.
  tf.registerBackend(backendName, load(installation), 3)
}
registerKernels()
registerPrecision()
releaseEarly()
