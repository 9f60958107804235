// The gradient of relu, which tfjs composes from three operations.
import { extend, type Info, type Call, input, map } from './kernel.ts'

/** x, dy → dy where x is between 0 and the attribute `high`. */
function reluGradient(call: Call): Info {
  const [x, dy] = [input(call, 'x'), input(call, 'dy')]
  const high = call.attrs['high'] as number | undefined
  const within = high === undefined ? 'x[index] > 0.0' : `x[index] > 0.0 && x[index] <= ${high}.0`
  return map(call, {
    name: `relu gradient ${high}`,
    shape: x.shape,
    inputs: { x, dy },
    body: `let value = select(0.0, dy[index], ${within});`,
  })
}

export function registerActivation(): void {
  extend('ReluGrad', () => reluGradient)
}
