import * as tf from '@tensorflow/tfjs-core'
import type { KernelName, Kernels } from './contracts.ts'

/**
 * Whether the current backend has a kernel.
 *
 * @example
 * const y = hasKernel('Gelu') ? runKernel('Gelu', { x }) : tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)))
 */
export const hasKernel = (name: KernelName): boolean =>
  tf.getKernel(name, tf.getBackend()) !== undefined

type Attributes<A> = object extends A ? [attributes?: A] : [attributes: A]

/**
 * Runs a kernel of the current backend. tfjs has no gradient for it: call it in `tf.customGrad` or in a gradient.
 *
 * @throws Error if the backend has no such kernel
 * @example
 * const derivative = tf.grad((x) => tf.relu(x))(x) // composed of three operations, where a backend has no ReluGrad
 * const same = hasKernel('ReluGrad') ? runKernel('ReluGrad', { x, dy: tf.onesLike(x) }) : derivative
 */
export const runKernel = <Name extends KernelName>(
  name: Name,
  inputs: Kernels[Name]['inputs'],
  ...[attributes = {}]: Attributes<Kernels[Name]['attributes']>
): Kernels[Name]['outputs'] =>
  tf
    .engine()
    // A list is passed on with its indices as names.
    .runKernel(
      name,
      inputs as tf.NamedTensorMap,
      attributes as tf.NamedAttrMap,
    ) as Kernels[Name]['outputs']

type Constants = typeof tf
/** The names of tfjs's own kernels, which it exports as constants. */
type TfjsKernel = {
  [Name in keyof Constants]: Constants[Name] extends string
    ? string extends Constants[Name]
      ? never
      : Constants[Name]
    : never
}[keyof Constants]

/** Registers a kernel, replacing tfjs's own if there is one, which is passed to `make`. */
export type Extend<Kernel> = (
  kernelName: KernelName | TfjsKernel,
  make: (original: Kernel) => Kernel,
) => void

/**
 * Registers kernels of a backend whose own kernel type is `Kernel`.
 *
 * @example
 * const extend = extender<tf.KernelFunc>('my-backend')
 * extend('ReluGrad', () => ({ inputs }) => tf.mul(inputs.dy as tf.Tensor, tf.step(inputs.x as tf.Tensor)))
 */
export const extender =
  <Kernel>(backendName: string): Extend<Kernel> =>
  (kernelName, make) => {
    const config = tf.getKernel(kernelName, backendName)
    if (config) tf.unregisterKernel(kernelName, backendName)
    const kernelFunc = make(config?.kernelFunc as Kernel) as tf.KernelFunc
    tf.registerKernel({ ...config, kernelName, backendName, kernelFunc })
  }

/**
 * Calls `setUp` on each `tf.setBackend(backendName)`, after which no module registers tfjs's gradients again, and
 * immediately if that backend is already current.
 *
 * @example
 * whenSet('my-backend', () => overrideRelu('my-backend'))
 */
export function whenSet(backendName: string, setUp: (backend: tf.KernelBackend) => void): void {
  // tfjs calls the set-up function of every kernel; this kernel exists only for that.
  tf.registerKernel({
    kernelName: 'TricksSetUp',
    backendName,
    kernelFunc: () => {
      throw new Error('kernels: expected no call of this kernel')
    },
    setupFunc: (backend) => setUp(backend as tf.KernelBackend),
  })
  if (tf.getBackend() === backendName) setUp(tf.backend())
}
