import {
  type Thread,
  type WorkerData,
  counters,
  limits,
  partTaker,
  workerProgram,
} from './parts.ts'

/** Scratch space with a separate part for each thread. */
export interface PerThread {
  readonly address: number
  readonly bytes: number
}

type Stoppable = { terminate(): unknown }

/** Threads on one shared memory; the first is the calling thread. */
export interface Pool {
  /** Runs a kernel once with each list of arguments, and returns when all are done. */
  run(kernel: number, parts: readonly (readonly (number | PerThread)[])[]): void
  stop(): void
}

/** Starts the other threads. Work starts at once: threads that aren't ready yet leave it to the others. */
export function startPool(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  names: readonly string[],
  kernels: Thread['kernels'],
  threads: number,
): Pool {
  const control = new Int32Array(new SharedArrayBuffer(4 * counters.length))
  const tasks = new Float64Array(new SharedArrayBuffer(8 * (2 + 2 * limits.parts * limits.args)))
  const take = partTaker({ kernels, control, tasks, index: 0, counters })
  const workers = Array.from({ length: threads - 1 }, (_, i) =>
    startWorker({ module, memory, names, control, tasks, index: i + 1, counters }),
  )

  function run(kernel: number, parts: readonly (readonly (number | PerThread)[])[]): void {
    const count = parts[0]!.length
    tasks[0] = kernel
    tasks[1] = count
    let at = 2
    for (const args of parts)
      for (const arg of args) {
        tasks[at++] = typeof arg === 'number' ? arg : arg.address
        tasks[at++] = typeof arg === 'number' ? 0 : arg.bytes
      }
    Atomics.store(control, counters.done, 0)
    Atomics.store(control, counters.left, parts.length)
    Atomics.add(control, counters.job, 1)
    Atomics.notify(control, counters.job, parts.length - 1)
    take()
    for (let looks = 0; ; looks++) {
      const done = Atomics.load(control, counters.done)
      if (done === parts.length) break
      if (looks > 2000 && mayWait) Atomics.wait(control, counters.done, done)
    }
    if (Atomics.exchange(control, counters.failed, 0))
      throw new Error(`wasm-training: the kernel ${names[kernel]} failed on one of its threads`)
  }

  return { run, stop: () => workers.forEach((worker) => void worker.terminate()) }
}

/** The main thread of a page may not block: it spins until the others are done. */
const mayWait = ((): boolean => {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1)
    return true
  } catch {
    return false
  }
})()

function startWorker(data: WorkerData): Stoppable {
  const node = nodeThreads()
  if (node) {
    const worker = new node.Worker(workerProgram(), { eval: true, workerData: data })
    worker.unref()
    return worker
  }
  const url = URL.createObjectURL(new Blob([workerProgram()], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.postMessage(data, [])
  return worker
}

/** Returns Node's threads; an import would break bundlers for pages. */
export function nodeThreads(): typeof import('node:worker_threads') | null {
  if (typeof process === 'undefined' || !process.versions?.node) return null
  return process.getBuiltinModule?.('node:worker_threads') ?? null
}
