import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { type PerThread, type Pool, startPool } from '../threads/pool.ts'
import { plain, relaxed } from './binaries.ts'

const names = [
  'augment',
  'batch_norm_gradient_terms',
  'batch_norm_shift',
  'batch_norm_terms',
  'channel_sums',
  'choose',
  'convolve',
  'copy_strided',
  'copy_strided_bytes',
  'depthwise_gradients',
  'equal',
  'extreme',
  'filter_gradient',
  'gather',
  'matrix_multiply',
  'matrix_multiply_transposed',
  'pack',
  'pack_bias',
  'pool_gradient',
  'reduce',
  'relu_gradient',
  'scale',
  'sum_parts',
  'winograd_convolve',
  'winograd_filter',
  'winograd_filter_gradient',
] as const

type Name = (typeof names)[number]
type Argument = number | PerThread | readonly (number | PerThread)[]

/**
 * The kernels of kernels.c by name: pointers and sizes as arguments, in any grouping; results are written to the heap.
 */
export type Engine = Readonly<Record<Name, (...args: Argument[]) => void>> & {
  /** Number of threads that run parts. */
  readonly threads: number
  /** Runs a kernel once per list of arguments, in any order and on all threads. */
  each(name: Name, parts: readonly (readonly Argument[])[]): void
}

/** The build of the kernels: with fused multiply-add if the engine supports relaxed SIMD. */
export type Simd = 'relaxed' | 'plain'

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

const binaries: Readonly<Record<Simd, Uint8Array<ArrayBuffer>>> = {
  relaxed: decode(relaxed),
  plain: decode(plain),
}

/** The best build that the JavaScript engine supports. */
export function supported(): Simd {
  const best = (['relaxed', 'plain'] as const).find((simd) => WebAssembly.validate(binaries[simd]))
  if (!best) throw new Error('wasm-training: expected a JavaScript engine with WebAssembly SIMD')
  return best
}

/** Whether threads can share a memory. */
function isShared(memory: WebAssembly.Memory): boolean {
  return Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]'
}

/** Instantiates the kernels on a memory, with threads if they can share it. */
export function instantiate(
  memory: WebAssembly.Memory,
  simd: Simd = supported(),
  threads = 1,
): Engine & { stop(): void } {
  const bytes = binaries[simd].slice()
  if (isShared(memory)) {
    // An import must declare that the memory is shared, in the flags after its name and kind (1: has a maximum, 2:
    // shared).
    const name = Array.from('memory', (character) => character.charCodeAt(0))
    const at = bytes.findIndex((_, i) => name.every((byte, j) => bytes[i + j] === byte))
    bytes[at + name.length + 1] = 3
  }
  const module = new WebAssembly.Module(bytes)
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const kernels = names.map((name) => exports[name] as (...args: number[]) => void)
  const alone = (kernel: number, args: readonly Argument[]): void =>
    kernels[kernel]!(...args.flat().map((arg) => (typeof arg === 'number' ? arg : arg.address)))
  const pool: Pool | null =
    threads > 1 && isShared(memory) ? startPool(module, memory, names, kernels, threads) : null
  return Object.assign(
    Object.fromEntries(
      names.map((name, i) => [name, (...args: Argument[]) => alone(i, args)]),
    ) as Record<Name, (...args: Argument[]) => void>,
    {
      threads: pool ? threads : 1,
      each(name: Name, parts: readonly (readonly Argument[])[]): void {
        const kernel = names.indexOf(name)
        if (pool && parts.length > 1)
          pool.run(
            kernel,
            parts.map((args) => args.flat()),
          )
        else for (const args of parts) alone(kernel, args)
      },
      stop: () => pool?.stop(),
    },
  )
}

const engines = new WeakMap<BackendWasm, ReturnType<typeof instantiate>>()
let wanted: number | undefined

/** Sets the number of threads from the next kernel on. */
export function wantThreads(threads: number, backend: BackendWasm | null): void {
  wanted = threads
  const engine = backend && engines.get(backend)
  if (!engine) return
  engine.stop()
  engines.delete(backend)
}

/** The kernels on a backend's heap. */
export function engineOf(backend: BackendWasm): Engine {
  const known = engines.get(backend)
  if (known) return known
  const engine = instantiate(memoryOf(backend), supported(), wanted ?? cores())
  engines.set(backend, engine)
  return engine
}

/** The environment variable TRICKS_THREADS, otherwise the number of cores. Node 20 has no navigator. */
function cores(): number {
  const set = globalThis.process?.env?.['TRICKS_THREADS']
  if (set !== undefined) return checkThreads('the environment variable TRICKS_THREADS', Number(set))
  const os = globalThis.process?.getBuiltinModule?.('node:os')
  return os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1
}

export function checkThreads(name: string, count: number): number {
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new RangeError(
      `wasm-training: expected ${name} to be an integer from 1 to 256, got ${count}`,
    )
  return count
}

/** A backend's heap. */
export function memoryOf(backend: BackendWasm): WebAssembly.Memory {
  // Emscripten's module exposes its memory among the binary's exports, or directly if threads share it.
  const module = backend.wasm as unknown as {
    wasmMemory?: WebAssembly.Memory
    asm?: { memory?: WebAssembly.Memory }
  }
  const memory = module.wasmMemory ?? module.asm?.memory
  if (!memory)
    throw new Error(
      "wasm-training: expected tfjs-backend-wasm 4.22, got another version, whose memory can't be found",
    )
  return memory
}
