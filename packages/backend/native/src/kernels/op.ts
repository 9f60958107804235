// Runs TensorFlow's ops, and replaces kernels of tfjs-node.
import * as tf from '@tensorflow/tfjs-core'
import { type Extend, extender, type Precision } from '@tricks/kernels'
import type { Handle, NativeBackend } from '../backend.ts'
import { hasOps } from '../load.ts'
import { bfloat16Id, isBfloat16, keepingMemory } from '../tensors.ts'

export const backendName = 'tensorflow'

export type Info = tf.Tensor
/**
 * The arguments that tfjs passes to a kernel of this backend; tfjs-node's own kernels also rely on inputs being
 * tensors.
 */
export interface Call {
  readonly inputs: Record<string, Info | undefined>
  readonly attrs: Record<string, unknown>
  readonly backend: NativeBackend
}
export type Kernel = (call: Call) => Info | Info[]

export const extend: Extend<Kernel> = extender(backendName)

type Kind = 'TF_ATTR_STRING' | 'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_TYPE'
export interface Attribute {
  readonly kind: Kind
  readonly value: unknown
}
const attribute =
  (kind: Kind) =>
  (value: unknown): Attribute => ({ kind, value })
export const text: (value: string) => Attribute = attribute('TF_ATTR_STRING')
export const whole: (value: number | readonly number[]) => Attribute = attribute('TF_ATTR_INT')
export const real: (value: number) => Attribute = attribute('TF_ATTR_FLOAT')
export const flag: (value: boolean) => Attribute = attribute('TF_ATTR_BOOL')

/** TensorFlow's type numbers. */
const types = { float32: 1, int32: 3, bfloat16: 14 } as const
export const type = (name: keyof typeof types): Attribute => ({
  kind: 'TF_ATTR_TYPE',
  value: types[name],
})

interface Execution {
  /** Number of outputs, default 1. */
  readonly outputs?: number
  /** The type of the inputs that `typed` names and of the attribute T, default float32. */
  readonly precision?: Precision
  /** Indices of the inputs with type T, by default all; empty if the op has no T. */
  readonly typed?: readonly number[]
}

/** Runs a TensorFlow op. The caller returns or disposes every output. */
export function execute(
  call: Pick<Call, 'backend'>,
  op: string,
  inputs: readonly tf.Tensor[],
  attributes: Readonly<Record<string, Attribute>>,
  execution: Execution = {},
): tf.Tensor[] {
  const { backend } = call
  return run(call, op, inputs, attributes, execution).map((handle) =>
    backend.createOutputTensor(handle),
  )
}

/** Whether an op allocates its results; others of TensorFlow may return an input's memory. */
const allocates = (op: string): boolean => /^Tricks|^Conv2DBackpropInput$/.test(op)

/** Runs a TensorFlow op on inputs that are not yet tfjs tensors. */
export function run(
  { backend }: Pick<Call, 'backend'>,
  op: string,
  inputs: readonly tf.Tensor[],
  attributes: Readonly<Record<string, Attribute>>,
  { outputs = 1, precision = 'float32', typed }: Execution = {},
): Handle[] {
  const { binding } = backend
  const own: Record<string, Attribute> = typed?.length === 0 ? {} : { T: type(precision) }
  const list = Object.entries({ ...own, ...attributes }).map(([name, { kind, value }]) => ({
    name,
    type: binding[kind],
    value,
  }))
  const read = (): number[] =>
    inputs.map((tensor, i) =>
      precision === 'bfloat16' && (typed === undefined || typed.includes(i))
        ? bfloat16Id(backend, tensor)
        : backend.getInputTensorIds([tensor])[0]!,
    )
  const allocated = allocates(op)
  const ids = allocated ? keepingMemory(backend, inputs, read) : read()
  return binding.executeOp(op, list, ids, outputs).map((handle) => ({ ...handle, allocated }))
}

/** The precision of an op: bfloat16 if its main tensor is kept in bfloat16. */
export function precisionOf(call: Call, ...tensors: tf.Tensor[]): Precision {
  return tensors.every((tensor) => isBfloat16(call.backend, tensor)) ? 'bfloat16' : 'float32'
}

/** Whether there are ops for a tensor. */
export const hasOpsFor = (x: tf.Tensor): boolean => hasOps() && x.dtype === 'float32' && x.size > 0

/** Whether there are ops for a tensor, among those that process sixteen channels at a time. */
export const opsTake = (x: tf.Tensor): boolean =>
  hasOpsFor(x) && x.rank > 0 && x.shape.at(-1)! % 16 === 0

export function input(call: Call, name: string): Info {
  const info = call.inputs[name]
  if (!info) throw new Error(`native: expected an input named ${name}`)
  return info
}
