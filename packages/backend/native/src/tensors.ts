// Extends tfjs-node's tensors: storage in bfloat16, and lazy computation.
import * as tf from '@tensorflow/tfjs-core'
import type { Entry, Handle, NativeBackend } from './backend.ts'

/** TensorFlow's number for the type, which tfjs-node doesn't define. */
const bfloat16 = 14
const float32 = 1

/** A tensor's entry with additional data. */
interface ExtendedEntry extends Entry {
  /** The number of the same tensor in the other type, float32 or bfloat16. */
  other?: number
  /** How to compute it, while it is lazy. */
  pending?: Pending
  /** Whether no other tensor has its memory: its op allocated it, and no op has read it that may return an input's memory. */
  ownMemory?: boolean
}

const extended = new WeakSet<NativeBackend>()

/**
 * Lets a backend store tensors in bfloat16 that are float32 for tfjs. Ops unaware of this get them in float32; both
 * forms are kept once needed, as tensors never change.
 */
export function extendTensors(backend: NativeBackend): void {
  if (extended.has(backend)) return
  extended.add(backend)
  const original = {
    getInputTensorIds: backend.getInputTensorIds.bind(backend),
    createOutputTensor: backend.createOutputTensor.bind(backend),
    disposeData: backend.disposeData.bind(backend),
    readSync: backend.readSync.bind(backend),
  }
  backend.getInputTensorIds = (tensors) =>
    tensors.map((tensor) => {
      const entry = entryOf(backend, tensor)
      if (entry) entry.ownMemory = false
      return entry && isSpecial(entry)
        ? idIn(backend, entry)
        : original.getInputTensorIds([tensor])[0]!
    })
  backend.createOutputTensor = (handle) => {
    const in16 = handle.dtype === bfloat16
    const tensor = in16 ? bfloat16Tensor(backend, handle) : original.createOutputTensor(handle)
    entryOf(backend, tensor)!.ownMemory = handle.allocated === true
    return tensor
  }
  backend.readSync = (dataId) => {
    const entry = entryOf(backend, { dataId })
    if (entry) entry.ownMemory = false
    return entry && isSpecial(entry)
      ? backend.binding.tensorDataSync(idIn(backend, entry))
      : original.readSync(dataId)
  }
  backend.disposeData = (dataId, force) => {
    const entry = entryOf(backend, { dataId })
    const gone = original.disposeData(dataId, force)
    if (!gone || !entry) return gone
    if (entry.other !== undefined) backend.binding.deleteTensor(entry.other)
    if (entry.pending) releasePending(entry.pending)
    delete entry.pending
    return gone
  }
}

const isSpecial = (entry: ExtendedEntry): boolean =>
  entry.dtype === bfloat16 || entry.pending !== undefined

/** tfjs-node also passes values other than tfjs tensors. */
function entryOf(
  backend: NativeBackend,
  { dataId }: { dataId?: object },
): ExtendedEntry | undefined {
  return dataId && backend.tensorMap.has(dataId) ? backend.tensorMap.get(dataId) : undefined
}

/** The number of a special tensor in float32. */
function idIn(backend: NativeBackend, entry: ExtendedEntry): number {
  settle(entry)
  if (entry.dtype !== bfloat16) return entry.id
  entry.other ??= cast(backend, entry.id, bfloat16, float32)
  return entry.other
}

/** The number of a float32 tensor in bfloat16. */
export function bfloat16Id(backend: NativeBackend, tensor: tf.Tensor): number {
  const entry = entryOf(backend, tensor)!
  settle(entry)
  if (entry.dtype === bfloat16) return entry.id
  entry.other ??= cast(backend, backend.getInputTensorIds([tensor])[0]!, float32, bfloat16)
  return entry.other
}

/** Whether a tensor is stored in bfloat16. */
export function isBfloat16(backend: NativeBackend, tensor: tf.Tensor): boolean {
  const entry = entryOf(backend, tensor)
  return entry !== undefined && (entry.pending?.in16 ?? entry.dtype === bfloat16)
}

/** Whether no other tensor shares a tensor's data. */
export const isHeldOnce = (backend: NativeBackend, tensor: tf.Tensor): boolean =>
  entryOf(backend, tensor)?.refCount === 1

/** Whether no other tensor shares a tensor's memory. TensorFlow's reshape, for example, returns its input's. */
export function hasOwnMemory(backend: NativeBackend, tensor: tf.Tensor): boolean {
  const entry = entryOf(backend, tensor)!
  settle(entry)
  return entry.refCount === 1 && entry.ownMemory === true
}

/** Reads the numbers of an op's inputs, of which it returns no memory. */
export function keepingMemory<T>(
  backend: NativeBackend,
  inputs: readonly tf.Tensor[],
  read: () => T,
): T {
  const entries = inputs.map((tensor) => entryOf(backend, tensor))
  const owners = entries.filter((entry) => entry?.ownMemory)
  const numbers = read()
  for (const entry of owners) entry!.ownMemory = true
  return numbers
}

function cast({ binding }: NativeBackend, id: number, from: number, to: number): number {
  const types = [
    { name: 'SrcT', type: binding.TF_ATTR_TYPE, value: from },
    { name: 'DstT', type: binding.TF_ATTR_TYPE, value: to },
    { name: 'Truncate', type: binding.TF_ATTR_BOOL, value: false },
  ]
  return binding.executeOp('Cast', types, [id], 1)[0]!.id
}

function bfloat16Tensor(backend: NativeBackend, { id, shape, dtype }: Handle): tf.Tensor {
  const dataId = {}
  backend.tensorMap.set(dataId, { id, shape, dtype, values: null, refCount: 1 })
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'float32' }, backend)
}

/** Activations that can be fused with batch normalisation. */
export type Activation = 'relu' | 'relu6' | 'gelu'

export interface Pending {
  readonly inputs: readonly tf.Tensor[]
  /** Whether the result will be in bfloat16. */
  readonly in16: boolean
  readonly compute: (...inputs: tf.Tensor[]) => Handle
  /** Describes the tensor, for kernels that can avoid computing it. */
  readonly about?: About
  /** The result of a relu on it. */
  rectified?: tf.Tensor
}

type About =
  /** The output of batch normalisation, and of an activation behind it, from x, gamma, beta, mean and variance. */
  | {
      readonly is: 'normalized'
      readonly epsilon: number
      readonly activation: Activation | 'none'
    }
  /** A residual sum of an output of batch normalisation and a shortcut. */
  | { readonly is: 'sum' }
  /** The gradient before an activation, from the gradient after it and the activation's input. */
  | { readonly is: 'gradient before'; readonly activation: Activation }
  /** The gradient before max pooling, from the pooling's input and output, and the gradient after it. */
  | { readonly is: 'gradient before pooling' }

/** A tensor that is computed from its inputs when it is first used, if ever. */
export function lazily(backend: NativeBackend, shape: number[], pending: Pending): tf.Tensor {
  const dataId = {}
  const inputs = pending.inputs.map((tensor) => tf.keep(tf.clone(tensor)))
  const entry: ExtendedEntry = {
    id: -1,
    shape,
    dtype: float32,
    values: null,
    refCount: 1,
    pending: { ...pending, inputs },
  }
  backend.tensorMap.set(dataId, entry)
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'float32' }, backend)
}

/** The pending computation of a lazy tensor, if any. */
export function pendingOf(backend: NativeBackend, tensor: tf.Tensor): Pending | undefined {
  return entryOf(backend, tensor)?.pending
}

function settle(entry: ExtendedEntry): void {
  const { pending } = entry
  if (!pending) return
  delete entry.pending
  const { id, dtype, allocated } = pending.compute(...pending.inputs)
  Object.assign(entry, { id, dtype, ownMemory: allocated === true })
  releasePending(pending)
}

function releasePending({ inputs, rectified }: Pending): void {
  tf.dispose([...inputs, ...(rectified ? [rectified] : [])])
}
