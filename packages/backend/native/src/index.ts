import * as tf from '@tensorflow/tfjs-core'
import type { NativeBackend } from './backend.ts'
import { findInstallation, commandLine } from './installation.ts'
import { registerKernels } from './kernels/index.ts'
import { backendName } from './kernels/op.ts'
import { load, loadOpsOfRepaired } from './load.ts'
import { registerPrecision } from './precision.ts'
import { releaseEarly } from './release.ts'

// If the program already uses tfjs-node, the kernels are registered for its backend.
if (tf.findBackendFactory(backendName) === null) {
  const installation = findInstallation()
  if (!installation) throw new Error(`native: libtensorflow is not installed. Run ${commandLine()}`)
  // As in tfjs-node, with priority over other backends.
  tf.registerBackend(backendName, load(installation), 3)
} else loadOpsOfRepaired(tf.findBackend(backendName) as NativeBackend)
registerKernels()
registerPrecision()
releaseEarly()
