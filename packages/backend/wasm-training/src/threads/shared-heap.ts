// In Node, tfjs uses its build without threads, whose heap can't be shared
// (https://github.com/tensorflow/tfjs/issues/3830: its build with threads starts its workers from a blob, which Node
// doesn't support). We load the build with threads, but only for its shared heap: tfjs itself is limited to one thread,
// so the workers that Emscripten requires are stand-ins that do nothing. The working threads are our own: see pool.ts.
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { nodeThreads } from './pool.ts'

type Listener = (message: unknown) => void

/** Responds like Emscripten's worker when it is loaded. */
class StandIn {
  #listener: Listener | undefined

  on(event: string, listener: Listener): void {
    if (event === 'message') this.#listener = listener
  }

  postMessage({ cmd }: { cmd: string }): void {
    if (cmd === 'load') queueMicrotask(() => this.#listener?.({ cmd: 'loaded' }))
  }

  unref(): void {}
  terminate(): void {}
}

/**
 * Makes the wasm backend start on a heap that threads can share, if Node supports them and the backend hasn't started
 * yet.
 */
export function shareHeap(): void {
  const threads = nodeThreads()
  const original = tf.findBackendFactory('wasm')
  if (!threads || !original || tf.engine().registry['wasm']) return
  const start = async (): Promise<tf.KernelBackend> => {
    const { Worker } = threads
    const { Worker: globalWorker } = globalThis
    // Emscripten's program reads the class from Node's module at its start, and leaves it in the global object.
    const isBlob = (url: unknown): boolean => String(url).startsWith('blob:')
    threads.Worker = new Proxy(Worker, {
      construct: (target, args: ConstructorParameters<typeof Worker>) =>
        isBlob(args[0]) ? new StandIn() : new target(...args),
    })
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', true)
    setThreadsCount(1)
    try {
      return await original()
    } finally {
      threads.Worker = Worker
      globalThis.Worker = globalWorker
    }
  }
  tf.removeBackend('wasm')
  tf.registerBackend('wasm', start, 2)
}
