// The parts of tfjs-node's backend that these kernels use.
import type * as tf from '@tensorflow/tfjs-core'

export interface OpAttribute {
  readonly name: string
  readonly type: number
  readonly value: unknown
}

/** A TensorFlow tensor, identified by its number. */
export interface Handle {
  readonly id: number
  readonly shape: number[]
  readonly dtype: number
  /** Whether its op allocated it; others of TensorFlow may return an input's memory. */
  readonly allocated?: boolean
}

/** tfjs-node's native addon. */
export interface Binding {
  readonly TF_FLOAT: number
  readonly TF_INT32: number
  readonly TF_ATTR_STRING: number
  readonly TF_ATTR_INT: number
  readonly TF_ATTR_FLOAT: number
  readonly TF_ATTR_BOOL: number
  readonly TF_ATTR_TYPE: number
  readonly TF_Version: string
  createTensor(shape: readonly number[], dtype: number, values: ArrayLike<number>): number
  deleteTensor(id: number): void
  tensorDataSync(id: number): tf.BackendValues
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): Handle[]
  isUsingGpuDevice(): boolean
}

/** A tensor's entry: values not yet passed to TensorFlow, or the number of a TensorFlow tensor. */
export interface Entry {
  id: number
  dtype: number
  shape: number[]
  values: tf.BackendValues | null
  refCount: number
}

export interface NativeBackend extends tf.KernelBackend {
  readonly binding: Binding
  readonly isUsingGpuDevice: boolean
  readonly tensorMap: tf.DataStorage<Entry>
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[]
  createOutputTensor(handle: Handle): tf.Tensor
  applyActivation(
    x: tf.Tensor,
    activation?: string,
    preluActivationWeights?: tf.Tensor,
    leakyreluAlpha?: number,
  ): tf.Tensor
}
