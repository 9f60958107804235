// Gradients that tfjs-core composes of many operations, and those it refuses, by one wasm kernel each. On other
// backends tfjs's own are used.
import * as tf from '@tensorflow/tfjs-core'

type Gradient = Parameters<typeof tf.registerGradient>[0]
const ours = new WeakSet<Gradient>()

/** Replaces a gradient while wasm is the backend. tfjs may register its own again: the last one is asked. */
function override(
  kernelName: string,
  applies: (attrs: tf.NamedAttrMap, saved: tf.Tensor[]) => boolean,
  gradFunc: Gradient['gradFunc'],
): void {
  const own = tf.getGradient(kernelName)
  if (!own || ours.has(own)) return
  const gradient: Gradient = {
    ...own,
    gradFunc: (dy, saved, attrs) =>
      tf.getBackend() === 'wasm' && applies(attrs, saved)
        ? gradFunc(dy, saved, attrs)
        : own.gradFunc(dy, saved, attrs),
  }
  ours.add(gradient)
  tf.unregisterGradient(kernelName)
  tf.registerGradient(gradient)
}

function run(name: string, inputs: tf.NamedTensorMap, attrs: object = {}): tf.Tensor[] {
  return [tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap)].flat()
}

/** Called at each `tf.setBackend('wasm')`, after which no module registers tfjs's gradients again. */
export function overrideGradients(): void {
  override(
    tf.Relu,
    () => true,
    (dy, [x]) => ({ x: () => run('ReluGrad', { x: x!, dy: dy as tf.Tensor })[0]! }),
  )
  override(
    tf.FusedBatchNorm,
    (_, [x, ...statistics]) =>
      statistics.every((s) => !s || (s.rank === 1 && s.size === x!.shape.at(-1))),
    (upstream, [x, mean, variance, scale], attrs) => {
      const dy = upstream as tf.Tensor
      const inputs = { x: x!, dy, mean: mean!, variance: variance!, ...(scale ? { scale } : {}) }
      const gradients = run('FusedBatchNormGrad', inputs, attrs)
      const names = ['x', 'mean', 'variance', 'scale', 'offset']
      return Object.fromEntries(names.map((name, i) => [name, () => gradients[i]!]))
    },
  )
  // tfjs refuses the gradient of a dilated convolution.
  override(
    tf.Conv2D,
    ({ dilations }) => !([dilations].flat() as number[]).every((dilation) => dilation === 1),
    convolutionGradient(tf.Conv2DBackpropInput, tf.Conv2DBackpropFilter),
  )
  override(
    tf.DepthwiseConv2dNative,
    ({ dilations }) => !([dilations].flat() as number[]).every((dilation) => dilation === 1),
    convolutionGradient(
      tf.DepthwiseConv2dNativeBackpropInput,
      tf.DepthwiseConv2dNativeBackpropFilter,
    ),
  )
}

function convolutionGradient(ofInput: string, ofFilter: string): Gradient['gradFunc'] {
  return (upstream, [x, filter], attrs) => {
    const dy = upstream as tf.Tensor
    return {
      x: () => run(ofInput, { dy, filter: filter! }, { ...attrs, inputShape: x!.shape })[0]!,
      filter: () => run(ofFilter, { x: x!, dy }, { ...attrs, filterShape: filter!.shape })[0]!,
    }
  }
}

export function registerGradients(): void {
  // A kernel's set-up runs at each `tf.setBackend('wasm')`: this one is no kernel otherwise.
  tf.registerKernel({
    kernelName: 'WasmTrainingGradients',
    backendName: 'wasm',
    kernelFunc: () => {
      throw new Error('wasm-training: expected no call of this kernel')
    },
    setupFunc: overrideGradients,
  })
  if (tf.getBackend() === 'wasm') overrideGradients()
}
