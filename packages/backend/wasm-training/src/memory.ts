import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { memoryOf } from './engine/index.ts'

interface Module {
  _malloc(bytes: number): number
  _free(address: number): void
}

const guarded = new WeakSet<BackendWasm>()

/**
 * Lets the backend fail where the heap has no room. tfjs does not look at what its allocator gives: a tensor without
 * room would be written over the start of the heap, and what comes after computes nonsense or traps.
 */
function guard(backend: BackendWasm): void {
  if (guarded.has(backend)) return
  guarded.add(backend)
  const module = backend.wasm as unknown as Module
  // Emscripten's function puts another in its place when it is first called.
  const { _malloc: first, _free: free } = module
  free(first(8))
  const { _malloc: allocate } = module
  const memory = memoryOf(backend)
  const guardedMalloc = (bytes: number): number => {
    // The allocator takes 2 GiB and more for a negative number, and gives memory back in place of getting some.
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

/** Guards the backend that there is, and those to come. */
export function guardMemory(): void {
  tf.registerKernel({
    kernelName: 'TricksMemory',
    backendName: 'wasm',
    kernelFunc: () => [],
    setupFunc: (backend) => guard(backend as BackendWasm),
  })
  if (tf.getBackend() === 'wasm') guard(tf.backend() as BackendWasm)
}
