import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { type Extend, extender } from '@tricks/kernels'
import { type Engine, engineOf } from './engine/index.ts'

/** The tensors that tfjs passes to a kernel, by data id, shape and dtype. */
export type Info = tf.TensorInfo
export type Attributes = Record<string, unknown>
export interface Call {
  readonly inputs: Record<string, Info | undefined>
  readonly attrs: Attributes
  readonly backend: BackendWasm
}
export type Kernel = (call: Call) => Info | Info[]

export const backendName = 'wasm'
export const extend: Extend<Kernel> = extender(backendName)

/** Runs another wasm kernel on plain tensor infos, outside the engine's scopes: the caller disposes. */
export function run(
  call: Call,
  name: string,
  inputs: Record<string, Info>,
  attrs: Attributes = {},
): Info {
  const kernel = tf.getKernel(name, backendName).kernelFunc as unknown as Kernel
  return kernel({ inputs, attrs, backend: call.backend }) as Info
}

export function input(call: Call, name: string): Info {
  const info = call.inputs[name]
  if (!info) throw new Error(`wasm-training: expected an input named ${name}`)
  return info
}

export function makeOutput(
  call: Call,
  shape: readonly number[],
  dtype: tf.DataType = 'float32',
): Info {
  return call.backend.makeOutput([...shape], dtype)
}

export function size(info: Info): number {
  return tf.util.sizeFromShape(info.shape)
}

/** The address of a tensor's values in the heap. */
export function pointer(call: Call, info: Info): number {
  return call.backend.dataIdMap.get(info.dataId).memoryOffset
}

export type Values = Float32Array | Int32Array | Uint8Array

/**
 * A view of a tensor's values in the heap, of any dtype. An allocation may grow the heap, which detaches all views:
 * make the outputs first.
 */
export function values(call: Call, info: Info): Values {
  return call.backend.typedArrayFromHeap(info)
}

/** Emscripten's module object, which tfjs hardly types. */
export function heap(call: Call): {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _free(address: number): void
} {
  return call.backend.wasm as unknown as ReturnType<typeof heap>
}

/** Number of threads that run the parts of a kernel. */
export function threadsOf(call: Call): number {
  return engineOf(call.backend).threads
}

/** Runs our own kernels, with scratch space of the sizes in `floats`, in float32 values. */
export function compute(
  call: Call,
  floats: readonly number[],
  body: (engine: Engine, ...scratch: number[]) => void,
): void {
  const { _malloc: allocate, _free: free } = heap(call)
  const scratch = floats.map((count) => allocate(Math.max(8, count * 4)) >>> 0)
  body(engineOf(call.backend), ...scratch)
  for (const address of scratch) free(address)
}

/** A range of a kernel's items. */
export interface Part {
  readonly begin: number
  readonly count: number
}

/**
 * Work too small to be divided, in multiplications: about 20 microseconds, as long as waking a thread takes. A value
 * that is only read or written counts as 8.
 */
const grain = 2 ** 18

function ranges(count: number, parts: number): Part[] {
  const bound = (part: number): number => Math.floor((count * part) / parts)
  return Array.from({ length: parts }, (_, part) => ({
    begin: bound(part),
    count: bound(part + 1) - bound(part),
  }))
}

/** Divides `count` items with independent results among the threads. */
export function split(engine: Engine, count: number, work: number): Part[] {
  const most = engine.threads === 1 ? 1 : 4 * engine.threads
  return ranges(count, Math.max(1, Math.min(count, most, 64, Math.floor(work / grain))))
}

/**
 * Divides `count` items whose results are summed into at most `most` parts; always in the same way, so that the sum's
 * last bits don't depend on the threads.
 */
export function splitSum(count: number, work: number, most = 8): Part[] {
  return ranges(count, Math.max(1, Math.min(count, most, Math.floor(work / grain))))
}

/** Adds up the consecutive results of `splitSum`'s parts, in order. */
export function sumParts(
  engine: Engine,
  to: number,
  from: number,
  parts: number,
  count: number,
): void {
  engine.each(
    'sum_parts',
    split(engine, count, 8 * parts * count).map((part) => [
      [to + 4 * part.begin, from + 4 * part.begin, parts, count, part.count],
    ]),
  )
}
