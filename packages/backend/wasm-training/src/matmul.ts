// tfjs's matMul reaches XNNPACK only when neither side is transposed: elsewhere it is 15 to 70 times slower.
import * as tf from '@tensorflow/tfjs-core'
import { type Call, type Info, extend, input, run } from './kernel.ts'

function transposed(call: Call, x: Info): Info {
  const perm = x.shape.map((_, axis) => axis)
  perm.push(perm.pop()!, perm.pop()!)
  return run(call, 'Transpose', { x }, { perm })
}

export function registerMatMul(): void {
  extend(tf.BatchMatMul, (original) => (call) => {
    const { transposeA, transposeB } = call.attrs
    const a = transposeA ? transposed(call, input(call, 'a')) : input(call, 'a')
    const b = transposeB ? transposed(call, input(call, 'b')) : input(call, 'b')
    const output = original({
      ...call,
      inputs: { a, b },
      attrs: { transposeA: false, transposeB: false },
    })
    if (transposeA) call.backend.disposeData(a.dataId)
    if (transposeB) call.backend.disposeData(b.dataId)
    return output
  })
}
