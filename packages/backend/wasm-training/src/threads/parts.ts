// A kernel's work in parts, which threads take one by one from shared memory.

/** The counters of a job, in an Int32Array that all threads share. */
export const counters = { job: 0, left: 1, done: 2, failed: 3, ready: 4, length: 5 } as const

/** Maximum number of parts of a job, and of arguments of a kernel. */
export const limits = { parts: 64, args: 32 } as const

/** The functions and shared memory of a thread. */
export interface Thread {
  readonly kernels: readonly ((...args: number[]) => void)[]
  readonly control: Int32Array
  /** [kernel, number of arguments], then for each part its arguments as pairs [value, step per thread]. */
  readonly tasks: Float64Array
  readonly index: number
  readonly counters: typeof counters
}

/**
 * Returns a function that runs parts of the current job until none is left.
 *
 * An atomic operation counts down the remaining parts, so that a late thread, between two jobs, takes either nothing or
 * a complete part of the next job. A part's result doesn't depend on its thread.
 *
 * The workers get the text of this function, so it must not refer to anything outside.
 */
export function partTaker({ kernels, control, tasks, index, counters: at }: Thread): () => void {
  return () => {
    for (;;) {
      const part = Atomics.sub(control, at.left, 1) - 1
      if (part < 0) return
      const count = tasks[1]!
      const args: number[] = []
      for (let i = 0, from = 2 + 2 * count * part; i < count; i++, from += 2)
        args.push(tasks[from]! + tasks[from + 1]! * index)
      try {
        kernels[tasks[0]!]!(...args)
      } catch {
        Atomics.store(control, at.failed, 1)
      }
      Atomics.add(control, at.done, 1)
      Atomics.notify(control, at.done)
    }
  }
}

/** The data of a worker. */
export interface WorkerData {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly names: readonly string[]
  readonly control: Int32Array
  readonly tasks: Float64Array
  readonly index: number
  readonly counters: typeof counters
}

/**
 * A worker's endless loop: waits for a job and runs parts of it.
 *
 * It spins for a while before it sleeps: usually the next kernel comes at once, and waking up takes longer than many
 * kernels. Its text is sent to the workers, too.
 */
export function serve(data: WorkerData, taker: typeof partTaker): void {
  const { exports } = new WebAssembly.Instance(data.module, { env: { memory: data.memory } })
  const kernels = data.names.map((name) => exports[name] as (...args: number[]) => void)
  const take = taker({ ...data, kernels })
  const { job, ready } = data.counters
  let seen = Atomics.load(data.control, job)
  Atomics.add(data.control, ready, 1)
  for (;;) {
    for (let looks = 0; looks < 2000 && Atomics.load(data.control, job) === seen; looks++);
    Atomics.wait(data.control, job, seen)
    seen = Atomics.load(data.control, job)
    take()
  }
}

/** The program of a worker, in Node or in a page. */
export function workerProgram(): string {
  const start = `(data) => (${String(serve)})(data, ${String(partTaker)})`
  return `const start = ${start}
if (typeof require === 'function') start(require('node:worker_threads').workerData)
else onmessage = ({ data }) => start(data)`
}
