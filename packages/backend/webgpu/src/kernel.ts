import type { WebGPUBackend, WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu'
import * as tf from '@tensorflow/tfjs-core'
import { type Extend, extender } from '@tricks/kernels'

export const backendName = 'webgpu'

/** The tensors that tfjs passes to a kernel, by data id, shape and dtype. */
export type Info = tf.TensorInfo
export interface Call {
  readonly inputs: Record<string, Info | undefined>
  readonly attrs: Record<string, unknown>
  readonly backend: WebGPUBackend
}
export type Kernel = (call: Call) => Info | Info[]

export const extend: Extend<Kernel> = extender(backendName)

export function input(call: Call, name: string): Info {
  const info = call.inputs[name]
  if (!info) throw new Error(`webgpu: expected an input named ${name}`)
  return info
}

export const size = ({ shape }: { readonly shape: readonly number[] }): number =>
  tf.util.sizeFromShape([...shape])

/** A shader and its dispatch. */
export interface Program {
  /** Identifies the shader: it must include all constants that are written into the code. */
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype?: 'float32' | 'int32'
  /** Input tensors by their names in the code, where they are arrays of values; the code must use each. */
  readonly inputs: Readonly<Record<string, Info>>
  /** Integers that may differ between runs, in the code `uniforms.NAME`. */
  readonly uniforms?: Readonly<Record<string, number>>
  /** Threads of a workgroup. */
  readonly threads: number
  /** Workgroups along x, y and z; in the code `workgroupId`. */
  readonly workgroups: readonly [number, number, number]
  /** Whether `result` holds integers from 0 that are added to atomically. */
  readonly atomic?: boolean
  /** An existing tensor to write to, which the program need not fill; otherwise a new one is created. */
  readonly into?: Info
  /** WGSL with a function `main(index : i32)` that writes to `result`; `localIndex` is the thread's index. */
  readonly code: string
}

/** Runs a program. The caller returns or disposes the result. */
export function compute({ backend }: Pick<Call, 'backend'>, program: Program): Info {
  const { name, shape, dtype = 'float32', inputs, uniforms = {}, threads, workgroups } = program
  const own: WebGPUProgram = {
    shaderKey: `tricks ${name}`,
    outputShape: [...shape],
    variableNames: Object.keys(inputs),
    uniforms: Object.keys(uniforms)
      .map((each) => `${each} : i32,`)
      .join(' '),
    workgroupSize: [threads, 1, 1],
    dispatchLayout: { x: shape.map((_, axis) => axis) },
    dispatch: [...workgroups],
    atomic: program.atomic ?? false,
    getUserCode: () => program.code,
  }
  const numbers = Object.values(uniforms).map((value) => ({ type: 'int32', data: [value] }))
  // A reused buffer is not empty.
  const into = program.atomic
    ? backend.makeTensorInfo([...shape], dtype, new Int32Array(size(program)))
    : program.into
  return backend.runWebGPUProgram(own, Object.values(inputs), dtype, numbers, into)
}

/** Runs a program with one thread per value of the result; `body` computes `value` at `index`. */
export function map(
  call: Pick<Call, 'backend'>,
  {
    body,
    functions = '',
    ...program
  }: Omit<Program, 'threads' | 'workgroups' | 'code'> & {
    readonly body: string
    readonly functions?: string
  },
): Info {
  const threads = 64
  const count = size(program)
  return compute(call, {
    ...program,
    threads,
    workgroups: [Math.ceil(count / threads), 1, 1],
    uniforms: { ...program.uniforms, count },
    code: `
      ${functions}
      fn main(index : i32) {
        if (index >= uniforms.count) { return; }
        ${body}
        result[index] = value;
      }`,
  })
}

export function dispose({ backend }: Pick<Call, 'backend'>, ...infos: Info[]): void {
  for (const { dataId } of infos) backend.disposeData(dataId)
}
