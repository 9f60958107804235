// Gradients that tfjs-core composes of many operations, by one kernel each. On other backends tfjs's own are used.
import * as tf from '@tensorflow/tfjs-core'
import { backendName, runKernel } from './kernel.ts'

type Gradient = Parameters<typeof tf.registerGradient>[0]
const ours = new WeakSet<Gradient>()

/** Replaces a gradient while WebGPU is the backend. tfjs may register its own again: the last one is asked. */
function override(
  kernelName: string,
  applies: (saved: tf.Tensor[]) => boolean,
  gradFunc: Gradient['gradFunc'],
): void {
  const own = tf.getGradient(kernelName)
  if (!own || ours.has(own)) return
  const gradient: Gradient = {
    ...own,
    gradFunc: (dy, saved, attrs) =>
      tf.getBackend() === backendName && applies(saved)
        ? gradFunc(dy, saved, attrs)
        : own.gradFunc(dy, saved, attrs),
  }
  ours.add(gradient)
  tf.unregisterGradient(kernelName)
  tf.registerGradient(gradient)
}

function rectifier(attrs: object): Gradient['gradFunc'] {
  return (dy, [x]) => ({
    x: () => runKernel('ReluGrad', { x: x!, dy: dy as tf.Tensor }, attrs)[0]!,
  })
}

function overrideAll(): void {
  override(tf.Relu, () => true, rectifier({}))
  override(tf.Relu6, () => true, rectifier({ high: 6 }))
  override(
    tf.FusedBatchNorm,
    ([x, ...statistics]) =>
      statistics.every((each) => !each || (each.rank === 1 && each.size === x!.shape.at(-1))),
    (upstream, [x, mean, variance, scale], attrs) => {
      const epsilon = attrs['varianceEpsilon'] as number
      const gamma = scale ?? tf.onesLike(mean!)
      const inputs = { x: x!, dy: upstream as tf.Tensor, mean: mean!, variance: variance!, gamma }
      const gradients = runKernel('FusedBatchNormGrad', inputs, { epsilon })
      const [dx, dScale, dOffset] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor]
      const inverse = tf.rsqrt(tf.add(variance!, epsilon))
      const factor = tf.mul(inverse, gamma)
      return {
        x: () => dx,
        mean: () => tf.neg(tf.mul(dOffset, factor)),
        variance: () => tf.mul(tf.mul(dScale, -0.5), tf.mul(factor, inverse)),
        scale: () => dScale,
        offset: () => dOffset,
      }
    },
  )
}

export function overrideGradients(): void {
  // A kernel's set-up runs at each `tf.setBackend('webgpu')`, after which no module registers tfjs's gradients again.
  tf.registerKernel({
    kernelName: 'WebgpuGradients',
    backendName,
    kernelFunc: () => {
      throw new Error('webgpu: expected no call of this kernel')
    },
    setupFunc: overrideAll,
  })
}
