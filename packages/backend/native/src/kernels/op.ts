// Running TensorFlow's ops, and putting kernels and gradients in the place of tfjs-node's and tfjs-core's.
import * as tf from '@tensorflow/tfjs-core'
import type { Binding, NativeBackend } from '../backend.ts'

export const backendName = 'tensorflow'

export type Info = tf.Tensor
/** What tfjs hands to a kernel of this backend; tfjs-node's own kernels rely on its inputs being tensors too. */
export interface Call {
  readonly inputs: Record<string, Info | undefined>
  readonly attrs: Record<string, unknown>
  readonly backend: NativeBackend
}
export type Kernel = (call: Call) => Info | Info[]

type Kind = 'TF_ATTR_STRING' | 'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_TYPE'
export interface Attribute {
  readonly kind: Kind
  readonly value: (binding: Binding) => unknown
}
const attribute =
  (kind: Kind) =>
  (value: unknown): Attribute => ({ kind, value: () => value })
export const text: (value: string) => Attribute = attribute('TF_ATTR_STRING')
export const whole: (value: number | readonly number[]) => Attribute = attribute('TF_ATTR_INT')
export const real: (value: number) => Attribute = attribute('TF_ATTR_FLOAT')
export const flag: (value: boolean) => Attribute = attribute('TF_ATTR_BOOL')
export const type = (of: 'TF_FLOAT' | 'TF_INT32'): Attribute => ({
  kind: 'TF_ATTR_TYPE',
  value: (binding) => binding[of],
})
export const typeOf = (info: Info): Attribute =>
  type(info.dtype === 'int32' ? 'TF_INT32' : 'TF_FLOAT')

/** Runs an op of TensorFlow's. Every output is a tensor that the caller gives on or disposes. */
export function execute(
  { backend }: Pick<Call, 'backend'>,
  op: string,
  inputs: readonly Info[],
  attributes: Readonly<Record<string, Attribute>>,
  outputs = 1,
): tf.Tensor[] {
  const { binding } = backend
  const list = Object.entries(attributes).map(([name, { kind, value }]) => ({
    name,
    type: binding[kind],
    value: value(binding),
  }))
  return binding
    .executeOp(op, list, backend.getInputTensorIds(inputs), outputs)
    .map((handle) => backend.createOutputTensor(handle))
}

export function input(call: Call, name: string): Info {
  const info = call.inputs[name]
  if (!info) throw new Error(`native: expected an input named ${name}`)
  return info
}

/** Registers a kernel, in place of tfjs-node's own where there is one, which `make` is given. */
export function extend(kernelName: string, make: (original: Kernel) => Kernel): void {
  const config = tf.getKernel(kernelName, backendName)
  if (config) tf.unregisterKernel(kernelName, backendName)
  const kernelFunc = make(config?.kernelFunc as unknown as Kernel) as unknown as tf.KernelFunc
  tf.registerKernel({ ...config, kernelName, backendName, kernelFunc })
}

type Gradient = Parameters<typeof tf.registerGradient>[0]
const ours = new WeakSet<Gradient>()

/** Replaces a gradient of tfjs-core's while this backend is the current one, where `applies` says so. */
export function overrideGradient(
  kernelName: string,
  applies: (attrs: tf.NamedAttrMap, saved: tf.Tensor[]) => boolean,
  gradFunc: Gradient['gradFunc'],
): void {
  const own = tf.getGradient(kernelName)
  if (!own || ours.has(own)) return
  const gradient: Gradient = {
    ...own,
    gradFunc: (dy, saved, attrs) =>
      tf.getBackend() === backendName && applies(attrs, saved)
        ? gradFunc(dy, saved, attrs)
        : own.gradFunc(dy, saved, attrs),
  }
  ours.add(gradient)
  tf.unregisterGradient(kernelName)
  tf.registerGradient(gradient)
}

/** Runs a kernel from a gradient. */
export function runKernel(
  name: string,
  inputs: tf.NamedTensorMap,
  attrs: object = {},
): tf.Tensor[] {
  return [tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap)].flat()
}
