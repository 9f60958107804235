// Depthwise convolution with its bias and rectifier in one pass, and its gradients: TensorFlow's take several times as
// long.
import * as tf from '@tensorflow/tfjs-core'
import { hasOps } from '../load.ts'
import { rectifiers } from './add-bias.ts'
import { anyNormalizedOf, numberOf } from './behind-batch-norm.ts'
import { convolution } from './convolution.ts'
import {
  type Attribute,
  type Call,
  type Kernel,
  execute,
  extend,
  input,
  opsTake,
  precisionOf,
  real,
  whole,
} from './op.ts'

type Window = tf.backend_util.Conv2DInfo

/** Number of values of the largest filter that the ops support. */
const mostTaps = 121

/** Passes calls to our ops that support them: one filter per channel, and no dilation. */
function where(
  shapesOf: (call: Call) => readonly (readonly number[])[],
  kernel: (call: Call, info: Window) => tf.Tensor,
): (original: Kernel) => Kernel {
  return (original) => (call) => {
    const [x, filter, output] = shapesOf(call) as [number[], number[], number[]?]
    const info = convolution(call, x, filter, { ...(output && { output }), depthwise: true })
    const { dilationHeight, dilationWidth, filterHeight, filterWidth, dataFormat } = info
    const supported =
      dataFormat === 'channelsLast' &&
      filter[3] === 1 &&
      dilationHeight === 1 &&
      dilationWidth === 1 &&
      filterHeight * filterWidth <= mostTaps &&
      opsTake(call.inputs['x'] ?? input(call, 'dy'))
    return supported ? kernel(call, info) : original(call)
  }
}

const sizes = (info: Window): Record<string, Attribute> => ({
  window: whole([info.filterHeight, info.filterWidth]),
  strides: whole([info.strideHeight, info.strideWidth]),
  padding: whole([info.padInfo.top, info.padInfo.left]),
})

/**
 * Runs an op on x and further inputs. If x is a lazy output of batch normalisation, the op normalises what it reads, a few lines
 * at a time, and the output itself is never written.
 */
function reading(
  call: Call,
  op: string,
  further: readonly tf.Tensor[],
  attributes: Readonly<Record<string, Attribute>>,
): tf.Tensor {
  const x = input(call, 'x')
  const before = precisionOf(call, x) === 'float32' && anyNormalizedOf(call, x)
  if (!before) return execute(call, `Tricks${op}`, [x, ...further], attributes)[0]!
  const [own, ...byChannel] = before.inputs
  const attrs = {
    ...attributes,
    epsilon: real(before.epsilon),
    before: whole(numberOf(before.activation)),
  }
  return execute(call, `TricksNormalize${op}`, [own!, ...further, ...byChannel], attrs)[0]!
}

function convolve(call: Call, info: Window): tf.Tensor {
  const { bias, preluActivationWeights } = call.inputs
  const { activation = 'linear', leakyreluAlpha } = call.attrs as {
    activation?: string
    leakyreluAlpha?: number
  }
  return tf.tidy(() => {
    const channels = [info.inChannels]
    const fits = bias === undefined || tf.util.arraysEqual(bias.shape, channels)
    const rectifier = fits ? rectifiers[activation] : undefined
    const attrs = {
      ...sizes(info),
      size: whole([info.outHeight, info.outWidth]),
      activation: whole(numberOf(rectifier ?? 'none')),
    }
    const added = fits && bias ? bias : tf.zeros(channels)
    const y = reading(call, 'Depthwise', [input(call, 'filter'), added], attrs)
    if (rectifier) return y
    const biased = bias && !fits ? tf.add(y, bias) : y
    return call.backend.applyActivation(biased, activation, preluActivationWeights, leakyreluAlpha)
  })
}

function inputGradient(call: Call, info: Window): tf.Tensor {
  const attrs = { ...sizes(info), size: whole([info.inHeight, info.inWidth]) }
  const inputs = [input(call, 'dy'), input(call, 'filter')]
  return execute(call, 'TricksDepthwiseInputGrad', inputs, attrs)[0]!
}

const filterGradient = (call: Call, info: Window): tf.Tensor =>
  reading(call, 'DepthwiseFilterGrad', [input(call, 'dy')], sizes(info))

export function registerDepthwise(): void {
  if (!hasOps()) return
  const given = (call: Call, name: string): readonly number[] => call.attrs[name] as number[]
  const shapes = (call: Call) => [input(call, 'x').shape, input(call, 'filter').shape]
  extend(tf.DepthwiseConv2dNative, where(shapes, convolve))
  extend(tf.FusedDepthwiseConv2D, where(shapes, convolve))
  extend(
    tf.DepthwiseConv2dNativeBackpropInput,
    where((call) => {
      const [filter, dy] = [input(call, 'filter'), input(call, 'dy')]
      return [given(call, 'inputShape'), filter.shape, dy.shape]
    }, inputGradient),
  )
  extend(
    tf.DepthwiseConv2dNativeBackpropFilter,
    where((call) => {
      const [x, dy] = [input(call, 'x'), input(call, 'dy')]
      return [x.shape, given(call, 'filterShape'), dy.shape]
    }, filterGradient),
  )
}
