// Activations in fused kernels, and the gradient of relu.
import * as tf from '@tensorflow/tfjs-core'
import {
  type Call,
  type Info,
  compute,
  extend,
  input,
  makeOutput,
  pointer,
  run,
  size,
  split,
} from './kernel.ts'

/** Bounds for clipping results as they are stored, which implements relu and relu6. */
export function bounds(call: Call): [low: number, high: number] {
  const { activation } = call.attrs
  return [
    activation === 'relu' || activation === 'relu6' ? 0 : -Infinity,
    activation === 'relu6' ? 6 : Infinity,
  ]
}

const kernels: Readonly<Record<string, string>> = {
  elu: tf.Elu,
  leakyrelu: tf.LeakyRelu,
  prelu: tf.Prelu,
  sigmoid: tf.Sigmoid,
}

/** Applies an activation other than clipping, in a separate pass. */
export function activate(call: Call, x: Info): Info {
  const activation = (call.attrs['activation'] as string | undefined) ?? 'linear'
  if (['linear', 'relu', 'relu6'].includes(activation)) return x
  const kernel = kernels[activation]
  if (!kernel) throw new Error(`wasm-training: expected an activation of tfjs, got ${activation}`)
  const alpha = call.inputs['preluActivationWeights']
  const output = run(call, kernel, alpha ? { x, alpha } : { x }, {
    alpha: call.attrs['leakyreluAlpha'],
  })
  call.backend.disposeData(x.dataId)
  return output
}

function reluGradient(call: Call): Info {
  const x = input(call, 'x')
  const dy = input(call, 'dy')
  const output = makeOutput(call, x.shape)
  compute(call, [], (engine) => {
    const pointers = [output, x, dy].map((info) => pointer(call, info))
    engine.each(
      'relu_gradient',
      split(engine, size(x), 24 * size(x)).map(({ begin, count }) => [
        pointers.map((address) => address + 4 * begin),
        count,
      ]),
    )
  })
  return output
}

export function registerActivation(): void {
  extend('ReluGrad', () => reluGradient)
}
