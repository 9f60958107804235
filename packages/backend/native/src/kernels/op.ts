// Running TensorFlow's ops, and putting kernels in the place of tfjs-node's.
import * as tf from '@tensorflow/tfjs-core'
import { type Extend, extender, type Precision } from '@tricks/kernels'
import type { Handle, NativeBackend } from '../backend.ts'
import { hasOps } from '../load.ts'
import { bfloat16Id, isBfloat16 } from '../tensors.ts'

export const backendName = 'tensorflow'

export type Info = tf.Tensor
/** What tfjs hands to a kernel of this backend; tfjs-node's own kernels rely on its inputs being tensors too. */
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

/** TensorFlow's numbers of its types. */
const types = { float32: 1, int32: 3, bfloat16: 14 } as const
export const type = (name: keyof typeof types): Attribute => ({
  kind: 'TF_ATTR_TYPE',
  value: types[name],
})

interface Execution {
  /** How many tensors the op gives, default 1. */
  readonly outputs?: number
  /** The type of the inputs that `typed` names and of the attribute T, default float32. */
  readonly precision?: Precision
  /** The places of the inputs of the type T, by default all; none where the op has no T. */
  readonly typed?: readonly number[]
}

/** Runs an op of TensorFlow's. Every output is a tensor that the caller gives on or disposes. */
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

/** The same, for what is no tensor of tfjs's yet. */
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
  const ids = inputs.map((tensor, i) =>
    precision === 'bfloat16' && (typed === undefined || typed.includes(i))
      ? bfloat16Id(backend, tensor)
      : backend.getInputTensorIds([tensor])[0]!,
  )
  return binding.executeOp(op, list, ids, outputs)
}

/** An op works in bfloat16 where the tensor that it is about is kept in it. */
export function precisionOf(call: Call, ...tensors: tf.Tensor[]): Precision {
  return tensors.every((tensor) => isBfloat16(call.backend, tensor)) ? 'bfloat16' : 'float32'
}

/** Whether the ops of our own take a tensor: sixteen channels at a time. */
export function opsTake(x: tf.Tensor): boolean {
  return hasOps() && x.dtype === 'float32' && x.rank > 0 && x.size > 0 && x.shape.at(-1)! % 16 === 0
}

export function input(call: Call, name: string): Info {
  const info = call.inputs[name]
  if (!info) throw new Error(`native: expected an input named ${name}`)
  return info
}
