import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { memoryOf } from './engine/index.ts'

interface Module {
  _malloc(bytes: number): number
  _free(address: number): void
}

const guarded = new WeakSet<BackendWasm>()

/**
 * Makes the backend throw if the heap is full. tfjs doesn't check its allocator's result: a tensor without memory would
 * overwrite the start of the heap, and later kernels would compute nonsense or trap.
 */
function guard(backend: BackendWasm): void {
  if (guarded.has(backend)) return
  guarded.add(backend)
  const module = backend.wasm as unknown as Module
  // Emscripten's function replaces itself when it is first called.
  const { _malloc: first, _free: free } = module
  free(first(8))
  const { _malloc: allocate } = module
  const memory = memoryOf(backend)
  const guardedMalloc = (bytes: number): number => {
    // The allocator reads 2 GiB and more as a negative number, and frees memory instead of allocating it.
    const address = bytes < 2 ** 31 ? allocate(bytes) : 0
    if (address === 0) {
      const mebibytes = (count: number): string => `${Math.ceil(count / 2 ** 20)} MiB`
      throw new RangeError(
        `wasm: out of memory: no room for a tensor of ${mebibytes(bytes)} beside a heap of ` +
          `${mebibytes(memory.buffer.byteLength)}; a tensor has at most 2 GiB, and all of them 4 GiB`,
      )
    }
    return address
  }
  Object.assign(module, { _malloc: guardedMalloc })
}

/** Guards the existing backend, and later ones. */
export function guardMemory(): void {
  tf.registerKernel({
    kernelName: 'TricksMemory',
    backendName: 'wasm',
    kernelFunc: () => [],
    setupFunc: (backend) => guard(backend as BackendWasm),
  })
  if (tf.getBackend() === 'wasm') guard(tf.backend() as BackendWasm)
}
