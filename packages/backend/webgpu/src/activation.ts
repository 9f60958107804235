// The gradients of relu and relu6, which tfjs composes from several operations.
import { extend, type Info, type Call, input, map } from './kernel.ts'

/** x, dy → dy where a condition on x is true. */
const gradientWhere =
  (condition: string) =>
  (call: Call): Info => {
    const [x, dy] = [input(call, 'x'), input(call, 'dy')]
    return map(call, {
      name: `gradient where ${condition}`,
      shape: x.shape,
      inputs: { x, dy },
      body: `let value = select(0.0, dy[index], ${condition});`,
    })
  }

export function registerActivation(): void {
  extend('ReluGrad', () => gradientWhere('x[index] > 0.0'))
  extend('Relu6Grad', () => gradientWhere('x[index] > 0.0 && x[index] < 6.0'))
}
