// In Node, tfjs takes its build without threads, whose heap no other thread can see
// (https://github.com/tensorflow/tfjs/issues/3830: its build with threads starts its workers from a blob, which Node
// doesn't take). This takes the build with threads for its shared heap alone: the workers that Emscripten insists on
// are stand-ins that do nothing, as tfjs is held to one thread. The threads that work are ours: see pool.ts.
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { nodeThreads } from './pool.ts'

type Listener = (message: unknown) => void

/** Answers as Emscripten's worker does when it is loaded. */
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

/** Lets the wasm backend start on a heap that threads can share, where Node has them and none has started yet. */
export function shareHeap(): void {
  const threads = nodeThreads()
  const original = tf.findBackendFactory('wasm')
  if (!threads || !original || tf.engine().registry['wasm']) return
  const start = async (): Promise<tf.KernelBackend> => {
    const { Worker } = threads
    const { Worker: globalWorker } = globalThis
    // Emscripten's program takes the class from Node's module as it starts, and leaves it in the global object.
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
