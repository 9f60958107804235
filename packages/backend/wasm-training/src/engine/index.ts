import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { plain, relaxed } from './binaries.ts'

const names = [
  'batch_norm',
  'batch_norm_gradient',
  'choose',
  'convolve',
  'copy_strided',
  'copy_strided_bytes',
  'depthwise_gradients',
  'equal',
  'extreme',
  'filter_gradient',
  'gather',
  'gradient_sums',
  'matrix_multiply',
  'matrix_multiply_transposed',
  'pack',
  'pack_bias',
  'pool_gradient',
  'reduce',
  'relu_gradient',
  'scale',
  'winograd_convolve',
  'winograd_filter',
  'winograd_filter_gradient',
] as const

type Argument = number | readonly number[]

/** The kernels of kernels.c by name: pointers and sizes in, grouped as one likes, results in the heap. */
export type Engine = Readonly<Record<(typeof names)[number], (...args: Argument[]) => void>>

/** Which build of the kernels runs: with fused multiply-add where the engine has relaxed SIMD. */
export type Simd = 'relaxed' | 'plain'

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

const binaries: Readonly<Record<Simd, Uint8Array<ArrayBuffer>>> = {
  relaxed: decode(relaxed),
  plain: decode(plain),
}

/** The best build that the JavaScript engine takes. */
export function supported(): Simd {
  const best = (['relaxed', 'plain'] as const).find((simd) => WebAssembly.validate(binaries[simd]))
  if (!best) throw new Error('wasm-training: expected a JavaScript engine with WebAssembly SIMD')
  return best
}

/** The kernels on a memory. */
export function instantiate(memory: WebAssembly.Memory, simd: Simd = supported()): Engine {
  const bytes = binaries[simd].slice()
  // A page that is isolated across origins gets tfjs's build with threads, whose memory is shared, and an import has
  // to say so: in the flags after its name and kind (1: has a maximum, 2: shared).
  if (Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]') {
    const name = Array.from('memory', (character) => character.charCodeAt(0))
    const at = bytes.findIndex((_, i) => name.every((byte, j) => bytes[i + j] === byte))
    bytes[at + name.length + 1] = 3
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  const kernel = (name: string) => exports[name] as (...args: number[]) => void
  return Object.fromEntries(
    names.map((name) => [name, (...args: Argument[]) => kernel(name)(...args.flat())]),
  ) as Engine
}

const engines = new WeakMap<BackendWasm, Engine>()

/** The kernels on a backend's heap. */
export function engineOf(backend: BackendWasm): Engine {
  const known = engines.get(backend)
  if (known) return known
  const engine = instantiate(memoryOf(backend))
  engines.set(backend, engine)
  return engine
}

/** A backend's heap. */
export function memoryOf(backend: BackendWasm): WebAssembly.Memory {
  // Emscripten's module object has its memory among the binary's exports, or as its own where threads share it.
  const module = backend.wasm as unknown as {
    wasmMemory?: WebAssembly.Memory
    asm?: { memory?: WebAssembly.Memory }
  }
  const memory = module.wasmMemory ?? module.asm?.memory
  if (!memory)
    throw new Error('wasm-training: expected tfjs-backend-wasm 4.22, whose memory is to be found')
  return memory
}
