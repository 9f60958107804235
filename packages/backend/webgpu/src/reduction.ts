// Sums per channel for channels-last values, without tfjs's transpose.
import * as tf from '@tensorflow/tfjs-core'
import {
  type Call,
  compute,
  dispose,
  extend,
  type Info,
  input,
  type Kernel,
  map,
  type Program,
  size,
} from './kernel.ts'

const threads = 256

export interface Sums {
  readonly name: string
  readonly inputs: Program['inputs']
  readonly rows: number
  readonly channels: number
  /** WGSL before the loop, with `channel` available. */
  readonly prepare?: string
  /** One or two WGSL expressions to sum; `index` is the value's index in its tensor. */
  readonly terms: readonly [string] | readonly [string, string]
}

/** Sums over blocks of rows, [blocks, terms, channels], which leaves little to add and little rounding error. */
export function partialSums(call: Call, sums: Sums): Info {
  const { rows, channels, terms, prepare = '' } = sums
  const lanes = Math.min(64, 2 ** Math.ceil(Math.log2(channels)))
  const rowLanes = threads / lanes
  const columns = Math.ceil(channels / lanes)
  const most = Math.max(1, Math.floor(512 / columns))
  const blocks = Math.max(1, Math.min(most, Math.ceil(rows / (rowLanes * 8))))
  const type = terms.length === 1 ? 'f32' : 'vec2<f32>'
  const parts = terms.length === 1 ? [''] : ['.x', '.y']
  return compute(call, {
    name: `sums of ${sums.name} ${channels}`,
    shape: [blocks, terms.length, channels],
    inputs: sums.inputs,
    uniforms: { rows, block: Math.ceil(rows / blocks) },
    threads,
    workgroups: [columns, blocks, 1],
    code: `
      const channels = ${channels};
      var<workgroup> partial : array<${type}, ${threads}>;
      fn main(_index : i32) {
        let lane = i32(localIndex) % ${lanes};
        let rowLane = i32(localIndex) / ${lanes};
        let channel = i32(workgroupId.x) * ${lanes} + lane;
        let begin = i32(workgroupId.y) * uniforms.block;
        let end = min(uniforms.rows, begin + uniforms.block);
        var sum = ${type}();
        if (channel < channels) {
          ${prepare}
          for (var row = begin + rowLane; row < end; row += ${rowLanes}) {
            let index = row * channels + channel;
            sum += ${type}(${terms.join(', ')});
          }
        }
        partial[localIndex] = sum;
        workgroupBarrier();
        if (rowLane == 0 && channel < channels) {
          for (var other = 1; other < ${rowLanes}; other++) { sum += partial[other * ${lanes} + lane]; }
          ${parts.map((part, i) => `result[(i32(workgroupId.y) * ${terms.length} + ${i}) * channels + channel] = sum${part};`).join('\n')}
        }
      }`,
  })
}

/** WGSL that sums one term of `partialSums` for a channel. */
export const total = (name: string, partial: Info, term: number, tensor = 'partial'): string => `
  fn ${name}(channel : i32) -> f32 {
    var sum = 0.0;
    for (var block = 0; block < ${partial.shape[0]}; block++) {
      sum += ${tensor}[(block * ${partial.shape[1]} + ${term}) * ${partial.shape[2]} + channel];
    }
    return sum;
  }`

/** `tf.sum` and `tf.mean` over all axes except the last. */
function reduction(divides: boolean): (original: Kernel) => Kernel {
  return (original) => (call) => {
    const x = input(call, 'x')
    const { axis, keepDims } = call.attrs as { axis?: number | number[]; keepDims?: boolean }
    const rank = x.shape.length
    const axes = tf.util.parseAxisParam(axis ?? x.shape.map((_, i) => i), x.shape)
    const leading = rank > 1 && axes.length === rank - 1 && axes.every((each) => each !== rank - 1)
    if (!leading || x.dtype !== 'float32' || size(x) < 4096) return original(call)
    const channels = x.shape.at(-1)!
    const rows = size(x) / channels
    const terms = ['x[index]'] as const
    const partial = partialSums(call, { name: 'values', inputs: { x }, rows, channels, terms })
    const shape = keepDims ? [...axes.map(() => 1), channels] : [channels]
    const result = map(call, {
      name: `total of values ${partial.shape.join()} ${divides ? rows : ''}`,
      shape,
      inputs: { partial },
      functions: total('sum', partial, 0),
      body: `let value = sum(index)${divides ? ` / ${rows}.0` : ''};`,
    })
    dispose(call, partial)
    return result
  }
}

export function registerReduction(): void {
  extend(tf.Sum, reduction(false))
  extend(tf.Mean, reduction(true))
}
