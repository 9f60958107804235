// Loads tfjs-node's JavaScript from an installation, using the TensorFlow.js of the importing program.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import util from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import type { Binding, NativeBackend } from './backend.ts'
import { type Installation, opsFile, opsFor, parts } from './installation.ts'
import { processorFlags } from './processor.ts'

/**
 * tfjs-node requires all of `@tensorflow/tfjs`, including layers, converter and WebGL backend, but only uses its core.
 * An installation satisfies that require with this symbol's value: the program's own tfjs-core.
 */
const coreSymbol: unique symbol = Symbol.for('@tricks/native tfjs-core')

export function load(installation: Installation): () => NativeBackend {
  // tfjs-node 4.22.0 calls these, which Node 22 deprecates and Node 23 removed.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  })
  Object.assign(globalThis, { [coreSymbol]: tf })
  growOnGpu(installation)
  useOneDnn()
  const require = createRequire(join(installation.folder, parts.manifest))
  const from = (file: string): unknown =>
    require(join(installation.folder, parts.tfjsNode, 'dist', file))
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen
  process.dlopen({ exports: {} }, join(installation.folder, parts.quiet), RTLD_NOW | RTLD_GLOBAL)
  const binding = require(join(installation.folder, parts.addon)) as Binding
  if (!binding.isUsingGpuDevice()) loadOps(installation, require)
  const { NodeJSKernelBackend } = from('nodejs_kernel_backend.js') as {
    NodeJSKernelBackend: new (binding: Binding, packageName: string) => NativeBackend
  }
  from('register_all_kernels.js')
  const { nodeFileSystemRouter } = from('io/file_system.js') as {
    nodeFileSystemRouter: Parameters<typeof tf.io.registerLoadRouter>[0]
  }
  tf.io.registerLoadRouter(nodeFileSystemRouter)
  tf.io.registerSaveRouter(nodeFileSystemRouter)
  const suffix = installation.variant === 'cuda' ? '-gpu' : ''
  return () => new NodeJSKernelBackend(binding, `@tensorflow/tfjs-node${suffix}`)
}

/**
 * Lets GPU memory grow on demand, so that other processes have memory too; by default, TensorFlow allocates all of it
 * at start. CUDA_VISIBLE_DEVICES selects GPUs; `''` selects none.
 */
export function growOnGpu(
  { variant }: Pick<Installation, 'variant'>,
  environment: NodeJS.ProcessEnv = process.env,
): void {
  if (variant === 'cuda') environment['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true'
}

/**
 * By default TensorFlow uses oneDNN for convolutions only on processors with AVX-512's dot products or AMX. It is
 * faster than Eigen with AVX2 too. `TF_ENABLE_ONEDNN_OPTS=0` disables it.
 */
function useOneDnn(): void {
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1'
}

let ops: { readonly hasMatrixUnit: boolean; readonly multipliesPairs: boolean } | undefined

/** Whether our own ops are available. */
export const hasOps = (): boolean => ops !== undefined

/** Whether our own ops include those for a processor that multiplies pairs of bfloat16 values. */
export const multipliesPairs = (): boolean => ops?.multipliesPairs ?? false

/** Whether our own ops include those for the processor's matrix unit. */
export const hasMatrixOps = (): boolean => ops?.hasMatrixUnit ?? false

/** A repaired tfjs-node sets it to the folder of the addon that it has loaded. */
const folderSymbol: unique symbol = Symbol.for('@tricks/native folder')

/** Loads our own ops into the library of a repaired tfjs-node, if the program has imported one. */
export function loadOpsOfRepaired(backend: NativeBackend): void {
  const { [folderSymbol]: folder } = globalThis as { [folderSymbol]?: string }
  if (folder !== undefined && !backend.isUsingGpuDevice)
    loadOps({ folder }, createRequire(join(folder, parts.manifest)))
}

/** Loads our own ops, compiled for the best variant that this processor supports. */
function loadOps({ folder }: Pick<Installation, 'folder'>, require: NodeJS.Require): void {
  const has = new Set(processorFlags())
  const best = opsFor.find(
    ({ name, flags }) =>
      flags.every((flag) => has.has(flag)) && existsSync(join(folder, opsFile(name))),
  )
  if (!best) return
  ops = require(join(folder, opsFile(best.name))) as typeof ops
}
