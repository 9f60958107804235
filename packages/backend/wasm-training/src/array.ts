// Moving whole rows of memory: tfjs's kernels go element by element, 10 to 60 times slower.
import * as tf from '@tensorflow/tfjs-core'
import { type Call, type Info, extend, floats, input, makeOutput } from './kernel.ts'

/** Values of any dtype: float32 and int32 as they are, bool as bytes. */
function values(call: Call, info: Info): Float32Array | Int32Array | Uint8Array {
  return call.backend.typedArrayFromHeap(info) as Float32Array
}

/** Below this length a loop is faster than the call of `set` with two views. */
const shortRow = 64

function copyRow(
  to: Float32Array | Int32Array | Uint8Array,
  target: number,
  from: Float32Array | Int32Array | Uint8Array,
  source: number,
  length: number,
): void {
  if (length < shortRow) {
    for (let i = 0; i < length; i++) to[target + i] = from[source + i]!
  } else {
    to.set(from.subarray(source, source + length), target)
  }
}

/** output[batch, outer, i, inner] = x[batch, outer, indices[batch, i], inner] */
function gather(call: Call): Info {
  const x = input(call, 'x')
  const indices = input(call, 'indices')
  const axis = tf.util.parseAxisParam(call.attrs['axis'] as number, x.shape)[0]!
  const info = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    x as tf.Tensor,
    indices as tf.Tensor,
    axis,
    call.attrs['batchDims'] as number,
  )
  const output = makeOutput(call, info.outputShape, x.dtype)
  const from = values(call, x)
  const to = values(call, output)
  const at = values(call, indices)
  const count = at.length / info.batchSize
  const size = info.dimSize
  for (const index of at) {
    if (index < 0 || index >= size) {
      throw new Error(`GatherV2: the index value ${index} is not in [0, ${size - 1}]`)
    }
  }
  const length = info.sliceSize
  let target = 0
  for (let batch = 0; batch < info.batchSize; batch++) {
    for (let outer = 0; outer < info.outerSize; outer++) {
      const base = (batch * info.outerSize + outer) * size
      for (let i = 0; i < count; i++) {
        copyRow(to, target, from, (base + at[batch * count + i]!) * length, length)
        target += length
      }
    }
  }
  return output
}

/** output[segment, …] = Σ of the rows of x whose segment id it is: the gradient of a gather. */
function unsortedSegmentSum(call: Call): Info {
  const x = input(call, 'x')
  const segmentIds = input(call, 'segmentIds')
  const segments = call.attrs['numSegments'] as number
  const rank = segmentIds.shape.length
  const output = makeOutput(call, [segments, ...x.shape.slice(rank)], x.dtype)
  const from = values(call, x)
  const to = values(call, output).fill(0)
  const ids = values(call, segmentIds)
  const length = from.length / ids.length
  for (let row = 0; row < ids.length; row++) {
    const segment = ids[row]!
    if (segment < 0 || segment >= segments) continue
    for (let i = 0; i < length; i++) to[segment * length + i]! += from[row * length + i]!
  }
  return output
}

function reverse(original: (call: Call) => Info | Info[]): (call: Call) => Info | Info[] {
  return (call) => {
    const x = input(call, 'x')
    const axes = tf.util.parseAxisParam(call.attrs['dims'] as number[], x.shape)
    if (x.shape.length === 0 || x.dtype === 'string') return original(call)
    const output = makeOutput(call, x.shape, x.dtype)
    const from = values(call, x)
    const to = values(call, output)
    // Rows as long as the axes after the last one that is turned.
    const last = Math.max(-1, ...axes)
    const outer = x.shape.slice(0, last + 1)
    const length = tf.util.sizeFromShape(x.shape.slice(last + 1))
    const strides = tf.util.computeStrides([...outer, 1])
    const rows = tf.util.sizeFromShape(outer)
    for (let row = 0; row < rows; row++) {
      let rest = row
      let source = 0
      for (let axis = 0; axis < outer.length; axis++) {
        const stride = strides[axis]!
        const position = Math.floor(rest / stride)
        rest -= position * stride
        source += (axes.includes(axis) ? outer[axis]! - 1 - position : position) * stride
      }
      copyRow(to, row * length, from, source * length, length)
    }
    return output
  }
}

/** Sum and mean over the leading axes (a batch, its rows and columns): tfjs transposes first. */
function reduceLeading(name: string, divide: boolean): void {
  extend(name, (original) => (call) => {
    const x = input(call, 'x')
    const axes = tf.util.parseAxisParam(call.attrs['axis'] as number[], x.shape).toSorted()
    const leading = axes.length > 0 && axes.every((axis, i) => axis === i)
    if (x.dtype !== 'float32' || !leading || axes.length === x.shape.length) return original(call)
    const kept = x.shape.slice(axes.length)
    const keepDims = call.attrs['keepDims'] as boolean
    const output = makeOutput(call, keepDims ? [...axes.map(() => 1), ...kept] : kept)
    const from = floats(call, x)
    const length = tf.util.sizeFromShape(kept)
    const sums = new Float64Array(length)
    for (let i = 0; i < from.length;) {
      for (let j = 0; j < length; j++) sums[j]! += from[i++]!
    }
    const count = divide ? from.length / length : 1
    const to = floats(call, output)
    for (let j = 0; j < length; j++) to[j] = sums[j]! / count
    return output
  })
}

export function registerRows(): void {
  extend(tf.GatherV2, () => gather)
  extend(tf.UnsortedSegmentSum, () => unsortedSegmentSum)
  extend(tf.Reverse, reverse)
  reduceLeading(tf.Sum, false)
  reduceLeading(tf.Mean, true)
}
