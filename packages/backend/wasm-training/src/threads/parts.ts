// A kernel's work in parts, which threads take from shared memory one by one.

/** The counters of a job, in an Int32Array that all threads share. */
export const counters = { job: 0, left: 1, done: 2, failed: 3, ready: 4, length: 5 } as const

/** At most so many parts has a job, and so many arguments a kernel. */
export const limits = { parts: 64, args: 32 } as const

/** What a thread needs: functions and shared memory. */
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
 * The number of parts left is counted down by one atomic operation, so that a thread that comes late, between two
 * jobs, takes either nothing or a whole part of the next. Which thread runs a part changes nothing in its result.
 *
 * The workers get the text of this function: it may refer to nothing outside.
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

/** What a worker is given. */
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
 * A worker's loop: waits for a job, takes parts of it, for ever.
 *
 * It looks a while before it sleeps, as the next kernel mostly comes at once and to be woken takes longer than many of
 * them. Its text is sent, too.
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
