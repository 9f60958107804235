// Matrix products: tfjs's are 15 to 70 times slower when a side is transposed.
import * as tf from '@tensorflow/tfjs-core'
import { activate, bounds } from './activation.ts'
import {
  type Call,
  type Info,
  compute,
  extend,
  input,
  makeOutput,
  pointer,
  size,
  split,
} from './kernel.ts'
import { packedSize } from './packing.ts'

interface Matrix {
  readonly pointer: number
  readonly rows: number
  readonly columns: number
  readonly transposed: boolean
}

/** output = bias + a · b, one matrix. A transposed matrix is stored as [columns, rows]. */
function multiply(call: Call, output: number, a: Matrix, b: Matrix, bias: number): void {
  const { rows, columns: depth } = a
  const { columns } = b
  const limits = bounds(call)
  // Sums of outer products read a without transposing it. They don't support a bias or bounds, and with many columns
  // they are slower than transposing a first.
  if (a.transposed && !b.transposed && !bias && limits[0] === -Infinity && columns < 128) {
    compute(call, [64 * rows + 8, 64 * columns + 8], (engine, lastA, lastB) => {
      engine.matrix_multiply_transposed([
        output,
        a.pointer,
        b.pointer,
        lastA,
        lastB,
        depth,
        rows,
        columns,
      ])
    })
    return
  }
  const scratch = [packedSize(depth, columns), a.transposed ? rows * depth : 0]
  compute(call, scratch, (engine, packed, turned) => {
    const [stride, step] = b.transposed ? [1, depth] : [columns, 1]
    engine.pack(packed, b.pointer, depth, columns, stride, step, 0, depth)
    engine.pack_bias(packed, bias, columns, depth)
    if (a.transposed) engine.copy_strided(turned, a.pointer, 1, 1, 1, rows, depth, 0, 0, 0, 1, rows)
    const from = a.transposed ? turned : a.pointer
    engine.each(
      'matrix_multiply',
      split(engine, rows, rows * depth * columns).map(({ begin, count }) => [
        [output + 4 * begin * columns, from + 4 * begin * depth, packed],
        [count, depth, columns],
        limits,
      ]),
    )
  })
}

/** matMul over the last two axes, the others broadcast. */
function matMul(call: Call): Info {
  const a = input(call, 'a')
  const b = input(call, 'b')
  const { bias } = call.inputs
  const transposeA = Boolean(call.attrs['transposeA'])
  const transposeB = Boolean(call.attrs['transposeB'])
  const matrix = (info: Info, transposed: boolean) => {
    const [first, second] = info.shape.slice(-2) as [number, number]
    return transposed
      ? { rows: second, columns: first, transposed }
      : { rows: first, columns: second, transposed }
  }
  const [left, right] = [matrix(a, transposeA), matrix(b, transposeB)]
  if (left.columns !== right.rows) {
    throw new Error(`matMul: expected equal inner sizes, got ${left.columns} and ${right.rows}`)
  }
  if (a.dtype !== 'float32' || b.dtype !== 'float32') {
    throw new Error(`matMul: expected float32 on the wasm backend, got ${a.dtype} and ${b.dtype}`)
  }
  if (bias && size(bias) !== right.columns) {
    throw new Error(`matMul: expected a bias of ${right.columns} values, got ${size(bias)}`)
  }
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)]
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB)
  const output = makeOutput(call, [...batch, left.rows, right.columns])
  const count = tf.util.sizeFromShape(batch)
  for (let i = 0; i < count; i++) {
    const index = tf.util.indexToLoc(i, batch.length, tf.util.computeStrides([...batch, 1]))
    multiply(
      call,
      pointer(call, output) + 4 * i * left.rows * right.columns,
      {
        ...left,
        pointer: pointer(call, a) + 4 * left.rows * left.columns * batchIndex(index, batchA),
      },
      {
        ...right,
        pointer: pointer(call, b) + 4 * right.rows * right.columns * batchIndex(index, batchB),
      },
      bias ? pointer(call, bias) : 0,
    )
  }
  return activate(call, output)
}

/** Maps an index of the broadcast batch to the matrix in a batch. */
function batchIndex(index: readonly number[], batch: readonly number[]): number {
  const offset = index.length - batch.length
  return batch.reduce(
    (sum, length, axis) => sum * length + (length === 1 ? 0 : index[axis + offset]!),
    0,
  )
}

export function registerMatMul(): void {
  extend(tf.BatchMatMul, () => matMul)
  extend('_FusedMatMul', () => matMul)
}
