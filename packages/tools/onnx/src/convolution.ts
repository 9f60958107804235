import type { Attribute } from './file.ts'
import type { Graph, Shape, Value } from './graph.ts'
import { kernelOf, type Kernel, type Weight } from './weights.ts'

/** A norm in inference, per channel: factor · x + shift. */
export interface Norm {
  readonly factor: Float64Array
  readonly shift: Float64Array
}

/** γ (x − mean) / √(variance + ε) + β. */
export function normOf(
  { gamma, beta, moving_mean: mean, moving_variance: variance }: Readonly<Record<string, Weight>>,
  epsilon: number,
): Norm {
  const factor = Float64Array.from(
    variance!.values,
    (value, c) => (gamma?.values[c] ?? 1) / Math.sqrt(value + epsilon),
  )
  return {
    factor,
    shift: factor.map((value, c) => (beta?.values[c] ?? 0) - mean!.values[c]! * value),
  }
}

/** Multiplies each output channel by a number; an int8 kernel's scales absorb it. */
function multiplied({ values, channels, scales }: Kernel, factor: ArrayLike<number>): Kernel {
  if (!scales)
    return {
      values: Float32Array.from(values, (value, i) => value * factor[i % channels]!),
      channels,
    }
  // The format requires positive scales; values are in [-127, 127], so their signs can be flipped.
  return {
    values: Int8Array.from(values, (value, i) => value * Math.sign(factor[i % channels]!)),
    channels,
    scales: scales.map((scale, c) => scale * Math.abs(factor[c]!) || 1),
  }
}

/** Transposes the axes of values. */
export function transposed<T extends Float32Array | Int8Array>(
  values: T,
  shape: readonly number[],
  order: readonly number[],
): T {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const sizes = order.map((axis) => shape[axis]!)
  const steps = order.map((axis) => strides[axis]!)
  const result = values.slice() as T
  const place = order.map(() => 0)
  let from = 0
  for (let to = 0; to < values.length; to++) {
    result[to] = values[from]!
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += steps[axis]!
      if (++place[axis]! < sizes[axis]!) break
      from -= steps[axis]! * sizes[axis]!
      place[axis] = 0
    }
  }
  return result
}

/**
 * Adds a kernel to the file, given the axis of its output channels; for int8, also the node that multiplies by its
 * scales.
 */
export function addKernel(
  graph: Graph,
  name: string,
  { values, scales }: Kernel,
  shape: readonly number[],
  axis: number,
): string {
  if (!scales) return graph.constant(name, values, shape)
  const quantized = graph.constant(`${name}/int8`, values, shape)
  const scale = graph.constant(`${name}/scale`, scales, [scales.length])
  return graph.add(name, 'DequantizeLinear', [quantized, scale], { axis })
}

export interface Window {
  readonly kernelSize: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly padding: string
  readonly dilationRate?: readonly [number, number]
}

/** Strides and padding of a window; TensorFlow's 'same' puts the odd pixel of padding at the end. */
export function windowAttributes(
  { kernelSize, strides, padding, dilationRate: dilations = [1, 1] }: Window,
  [, height, width]: Shape,
): Record<string, Attribute> {
  const attributes = { kernel_shape: kernelSize, strides }
  if (padding !== 'same') return attributes
  if (height === null || width === null) return { ...attributes, auto_pad: 'SAME_UPPER' }
  const missing = [height!, width!].map((size, axis) => {
    const reach = (kernelSize[axis]! - 1) * dilations[axis]! + 1
    return Math.max(0, (Math.ceil(size / strides[axis]!) - 1) * strides[axis]! + reach - size)
  })
  const before = missing.map((pixels) => Math.floor(pixels / 2))
  return {
    ...attributes,
    pads: [...before, ...missing.map((pixels, axis) => pixels - before[axis]!)],
  }
}

/** Adds a convolution with a kernel in tfjs's order; a norm after it is folded into it. */
export function convolution(
  graph: Graph,
  x: Value,
  of: {
    readonly name: string
    readonly role: string
    readonly kernel: Weight
    readonly bias?: Weight | undefined
    readonly window: Window
    readonly norm?: Norm | undefined
    readonly type: 'float32' | 'int8'
    readonly outputShape: Shape
  },
): Value {
  const { name, role, kernel: weight, bias, window, norm, type, outputShape } = of
  const depthwise = role === 'depthwise_kernel'
  const own = kernelOf(role, weight, type)
  const { channels } = own
  const kernel = norm ? multiplied(own, norm.factor) : own
  const [height, width, inputs] = weight.shape as [number, number, number, number]
  const order = depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1]
  const stored = { ...kernel, values: transposed(kernel.values, weight.shape, order) }
  const shape = [channels, depthwise ? 1 : inputs, height, width]
  const names = [x.name, addKernel(graph, `${name}/kernel`, stored, shape, 0)]
  if (bias || norm) {
    const values = Float32Array.from(
      { length: channels },
      (_, c) => (bias?.values[c] ?? 0) * (norm?.factor[c] ?? 1) + (norm?.shift[c] ?? 0),
    )
    names.push(graph.constant(`${name}/bias`, values, [channels]))
  }
  const output = graph.add(name, 'Conv', names, {
    ...windowAttributes(window, x.shape),
    ...(window.dilationRate && { dilations: window.dilationRate }),
    ...(depthwise && { group: inputs }),
  })
  return { name: output, shape: outputShape }
}
