// Data movement, and sums over axes: tfjs's kernels work element by element, 5 to 100 times slower.
import * as tf from '@tensorflow/tfjs-core'
import {
  type Call,
  type Info,
  type Kernel,
  compute,
  extend,
  heap,
  input,
  makeOutput,
  pointer,
  size,
  split,
  splitSum,
  threadsOf,
  values,
} from './kernel.ts'

function hasFourBytes(info: Info): boolean {
  return info.dtype === 'float32' || info.dtype === 'int32'
}

/** An axis of an output: its length, and the stride of its values in the input. */
interface Axis {
  readonly length: number
  readonly stride: number
}

/** The axes of a tensor in memory order. */
function axesOf(x: Info): Axis[] {
  const strides = tf.util.computeStrides([...x.shape, 1])
  return x.shape.map((length, axis) => ({ length, stride: strides[axis]! }))
}

/** Copies a view of x; null if more than five axes remain after joining contiguous ones. */
function copyView(
  call: Call,
  x: Info,
  shape: readonly number[],
  axes: readonly Axis[],
  offset = 0,
): Info | null {
  const joined: Axis[] = []
  for (const axis of axes) {
    const previous = joined.at(-1)
    if (axis.length === 1) continue
    if (previous && previous.stride === axis.length * axis.stride) {
      joined[joined.length - 1] = { length: previous.length * axis.length, stride: axis.stride }
    } else joined.push(axis)
  }
  if (joined.length > 5 || !(hasFourBytes(x) || x.dtype === 'bool')) return null
  while (joined.length < 5) joined.unshift({ length: 1, stride: 0 })
  const output = makeOutput(call, shape, x.dtype)
  if (size(output) === 0) return output
  compute(call, [], (engine) => {
    const copy = x.dtype === 'bool' ? 'copy_strided_bytes' : 'copy_strided'
    const bytes = tf.util.bytesPerElement(x.dtype)
    const from = pointer(call, x) + offset * bytes
    // The longest of the outer axes is divided among threads, if the axes before it have length 1; otherwise it would
    // not pay off.
    const first = joined.findIndex(({ length }) => length > 1)
    const axis = first < 0 || first === 4 ? 0 : first
    const { length, stride } = joined[axis]!
    engine.each(
      copy,
      split(engine, length, 16 * size(output)).map(({ begin, count }) => [
        pointer(call, output) + (begin * bytes * size(output)) / length,
        from + begin * stride * bytes,
        joined.map((each, i) => (i === axis ? count : each.length)),
        joined.map((each) => each.stride),
      ]),
    )
  })
  return output
}

function transpose(original: Kernel): Kernel {
  return (call) => {
    const x = input(call, 'x')
    const axes = axesOf(x)
    const permuted = (call.attrs['perm'] as number[]).map((axis) => axes[axis]!)
    const shape = permuted.map((axis) => axis.length)
    return copyView(call, x, shape, permuted) ?? original(call)
  }
}

function reverse(original: Kernel): Kernel {
  return (call) => {
    const x = input(call, 'x')
    const turned = new Set(tf.util.parseAxisParam(call.attrs['dims'] as number[], x.shape))
    let offset = 0
    const axes = axesOf(x).map(({ length, stride }, axis) => {
      if (!turned.has(axis)) return { length, stride }
      offset += (length - 1) * stride
      return { length, stride: -stride }
    })
    return copyView(call, x, x.shape, axes, offset) ?? original(call)
  }
}

function slice(original: Kernel): Kernel {
  return (call) => {
    const x = input(call, 'x')
    const [begin, lengths] = tf.slice_util.parseSliceParams(
      x,
      call.attrs['begin'] as number[],
      call.attrs['size'] as number[],
    ) as [number[], number[]]
    const all = axesOf(x)
    const axes = all.map(({ stride }, axis) => ({ length: lengths[axis]!, stride }))
    const offset = all.reduce((sum, { stride }, axis) => sum + begin[axis]! * stride, 0)
    return copyView(call, x, lengths, axes, offset) ?? original(call)
  }
}

function tile(original: Kernel): Kernel {
  return (call) => {
    const x = input(call, 'x')
    const repeats = call.attrs['reps'] as number[]
    const axes = axesOf(x).flatMap((axis, i) => [{ length: repeats[i]!, stride: 0 }, axis])
    const shape = x.shape.map((length, axis) => length * repeats[axis]!)
    return copyView(call, x, shape, axes) ?? original(call)
  }
}

/** output[outer, i, …] = x[outer, indices[i], …] */
function gather(original: Kernel): Kernel {
  return (call) => {
    const x = input(call, 'x')
    const indices = input(call, 'indices')
    const axis = tf.util.parseAxisParam(call.attrs['axis'] as number, x.shape)[0]!
    const batchDims = (call.attrs['batchDims'] as number | undefined) ?? 0
    if (batchDims !== 0 || !hasFourBytes(x) || size(x) === 0) return original(call)
    const info = tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims)
    const last = info.dimSize - 1
    for (const index of values(call, indices)) {
      if (index < 0 || index > last) {
        throw new Error(`GatherV2: the index value ${index} is not in [0, ${last}]`)
      }
    }
    const output = makeOutput(call, info.outputShape, x.dtype)
    compute(call, [], (engine) => {
      const pointers = [output, x, indices].map((each) => pointer(call, each))
      const [to, from, at] = pointers as [number, number, number]
      if (info.outerSize > 1)
        engine.gather(pointers, [info.outerSize, size(indices), info.dimSize, info.sliceSize])
      else
        engine.each(
          'gather',
          split(engine, size(indices), 16 * size(output)).map(({ begin, count }) => [
            [to + 4 * begin * info.sliceSize, from, at + 4 * begin],
            [1, count, info.dimSize, info.sliceSize],
          ]),
        )
    })
    return output
  }
}

/** output[segment, …] = Σ of the rows of x with that segment id: the gradient of a gather. */
function unsortedSegmentSum(call: Call): Info {
  const x = input(call, 'x')
  const segmentIds = input(call, 'segmentIds')
  const segments = call.attrs['numSegments'] as number
  const output = makeOutput(call, [segments, ...x.shape.slice(segmentIds.shape.length)], x.dtype)
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

/** tfjs-backend-wasm treats booleans as floats here, and writes four times too far. */
function selectBytes(call: Call, condition: Info, first: Info, second: Info): Info {
  const output = makeOutput(call, first.shape, first.dtype)
  const [to, by, yes, no] = [output, condition, first, second].map((info) => values(call, info))
  // A one-dimensional condition selects rows.
  const each = size(first) / size(condition)
  for (let i = 0; i < to!.length; i++) to![i] = (by![Math.floor(i / each)] ? yes! : no!)[i]!
  return output
}

function select(original: Kernel): Kernel {
  return (call) => {
    const [condition, first, second] = ['condition', 't', 'e'].map((name) => input(call, name)) as [
      Info,
      Info,
      Info,
    ]
    if (first.dtype === 'bool') return selectBytes(call, condition, first, second)
    const alike = tf.util.arraysEqual(condition.shape, first.shape)
    if (!alike || !hasFourBytes(first) || first.dtype !== second.dtype) return original(call)
    const output = makeOutput(call, first.shape, first.dtype)
    compute(call, [], (engine) => {
      const [to, by, yes, no] = [output, condition, first, second].map((info) =>
        pointer(call, info),
      )
      engine.each(
        'choose',
        split(engine, size(output), 32 * size(output)).map(({ begin, count }) => [
          [to! + 4 * begin, by! + begin, yes! + 4 * begin, no! + 4 * begin, count],
        ]),
      )
    })
    return output
  }
}

/** For two equally shaped tensors, or a tensor and a scalar: tfjs computes each index from coordinates. */
function pairwise(dtype: 'float32' | 'bool', name: 'extreme' | 'equal', ...options: number[]) {
  return (original: Kernel): Kernel =>
    (call) => {
      const [x, y] = [input(call, 'a'), input(call, 'b')]
      const one = size(y) === 1 && y.shape.length <= x.shape.length
      const fits = one || tf.util.arraysEqual(x.shape, y.shape)
      if (!fits || x.dtype !== 'float32' || y.dtype !== 'float32') return original(call)
      const output = makeOutput(call, x.shape, dtype)
      if (size(output) === 0) return output
      compute(call, [], (engine) => {
        const [to, from, other] = [output, x, y].map((info) => pointer(call, info))
        const bytes = tf.util.bytesPerElement(dtype)
        engine.each(
          name,
          split(engine, size(output), 24 * size(output)).map(({ begin, count }) => [
            [to! + bytes * begin, from! + 4 * begin, other! + (one ? 0 : 4 * begin)],
            [count, Number(one), ...options],
          ]),
        )
      })
      return output
    }
}

/** Sum and mean over adjacent axes (such as batch, rows and columns): tfjs transposes first. */
function reduce(divide: boolean): (original: Kernel) => Kernel {
  return (original) => (call) => {
    const x = input(call, 'x')
    const axes = tf.util.parseAxisParam(call.attrs['axis'] as number[], x.shape)
    const [first, last] = [Math.min(...axes), Math.max(...axes)]
    const reduced = x.shape.slice(first, last + 1)
    if (x.dtype !== 'float32' || axes.length === 0 || axes.length !== reduced.length) {
      return original(call)
    }
    const [before, after] = [x.shape.slice(0, first), x.shape.slice(last + 1)]
    const rows = tf.util.sizeFromShape(reduced)
    const inner = tf.util.sizeFromShape(after)
    if (inner < 4 || rows === 0) return original(call)
    const kept = call.attrs['keepDims'] ? reduced.map(() => 1) : []
    const output = makeOutput(call, [...before, ...kept, ...after])
    const outer = tf.util.sizeFromShape(before)
    const factor = divide ? 1 / rows : 1
    if (outer === 1) sumRows(call, output, x, { rows, inner, factor })
    else sumEach(call, output, x, { outer, rows, inner, factor })
    return output
  }
}

/** Sums over the rows of each of `outer` matrices. */
function sumEach(
  call: Call,
  output: Info,
  x: Info,
  { outer, rows, inner, factor }: Record<'outer' | 'rows' | 'inner' | 'factor', number>,
): void {
  const totals = 2 * inner
  compute(call, [totals * threadsOf(call)], (engine, address) => {
    engine.each(
      'reduce',
      split(engine, outer, 8 * size(x)).map(({ begin, count }) => [
        [pointer(call, output) + 4 * begin * inner, { address, bytes: 4 * totals }],
        [pointer(call, x) + 4 * begin * rows * inner, count, rows, inner, factor],
      ]),
    )
  })
}

/** Sums over the rows of one matrix. */
function sumRows(
  call: Call,
  output: Info,
  x: Info,
  { rows, inner, factor }: Record<'rows' | 'inner' | 'factor', number>,
): void {
  const parts = splitSum(rows, 8 * size(x))
  compute(call, [4 * inner * parts.length], (engine, totals) => {
    engine.each(
      'channel_sums',
      parts.map(({ begin, count }, part) => [
        [totals + 16 * part * inner, pointer(call, x) + 4 * begin * inner, 0, 0],
        [count, inner, 0],
      ]),
    )
    const sums = new Float64Array(heap(call).HEAPU8.buffer, totals, 2 * inner * parts.length)
    const to = values(call, output)
    for (let i = 0; i < inner; i++) {
      let sum = 0
      for (let part = 0; part < parts.length; part++) sum += sums[2 * inner * part + i]!
      to[i] = sum * factor
    }
  })
}

/** The result of reducing no values; tfjs would not write to the output's memory. */
function ofNothing(value: number): (original: Kernel) => Kernel {
  return (original) => (call) => {
    const output = original(call) as Info
    if (size(input(call, 'x')) === 0) values(call, output).fill(value)
    return output
  }
}

/** A clone shares its values, as tensors are never written to; tfjs would copy them. */
function identity(call: Call): Info {
  const { dataId, shape, dtype } = input(call, 'x')
  call.backend.incRef(dataId)
  return { dataId, shape, dtype }
}

export function registerArray(): void {
  extend(tf.Equal, pairwise('bool', 'equal'))
  extend(tf.GatherV2, gather)
  extend(tf.Identity, () => identity)
  extend(tf.Maximum, pairwise('float32', 'extreme', 1))
  extend(tf.Mean, reduce(true))
  extend(tf.Minimum, pairwise('float32', 'extreme', 0))
  extend(tf.Reverse, reverse)
  extend(tf.Select, select)
  extend(tf.Slice, slice)
  extend(tf.Sum, reduce(false))
  extend(tf.Tile, tile)
  extend(tf.Transpose, transpose)
  extend(tf.UnsortedSegmentSum, () => unsortedSegmentSum)
  extend(tf.Max, ofNothing(-Infinity))
  extend(tf.Mean, ofNothing(NaN))
  extend(tf.Min, ofNothing(Infinity))
  extend(tf.Prod, ofNothing(1))
  extend(tf.Sum, ofNothing(0))
}
