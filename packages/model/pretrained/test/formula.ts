// The reference's formulas for pictures and weights.
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { expect } from 'vitest'
import type { Tensors } from '../src/index.ts'

export interface Pictures {
  readonly pictures: number
  readonly height: number
  readonly width: number
  readonly a: number
  readonly b: number
}

const mean = [0.485, 0.456, 0.406]
const deviation = [0.229, 0.224, 0.225]

export function picturesOf({ pictures, height, width, a, b }: Pictures): tf.Tensor4D {
  const values = new Float32Array(pictures * height * width * 3)
  let at = 0
  for (let k = 0; k < pictures; k++)
    for (let h = 0; h < height; h++)
      for (let w = 0; w < width; w++)
        for (let c = 0; c < 3; c++) {
          const value = 0.5 + 0.5 * Math.sin(a * h * (c + 1) + b * w * (1 + 0.5 * k) + k)
          values[at++] = (value - mean[c]!) / deviation[c]!
        }
  return tf.tensor4d(values, [pictures, height, width, 3])
}

/** A torch tensor of a ResNet, by its name. */
export function formulaTensor(name: string, shape: readonly number[]): Tensors[string] {
  const size = shape.reduce((product, side) => product * side, 1)
  const h = new TextEncoder().encode(name).reduce((sum, code) => sum + code, 0) % 97
  let [scale, shift] = [0.05, 0]
  if (name.endsWith('running_var')) [scale, shift] = [0.3, 1]
  else if (name.endsWith('running_mean')) scale = 0.1
  else if (shape.length >= 2)
    scale = Math.sqrt((2 * shape[0]!) / size) * Math.SQRT2 * (name === 'fc.weight' ? 0.1 : 1)
  else if (name.endsWith('.weight')) [scale, shift] = [0.2, 0.5]
  const values = new Float32Array(size)
  for (let i = 0; i < size; i++)
    values[i] = shift + scale * Math.sin((12.9898 * i + 78.233 * h) % (2 * Math.PI))
  return { dtype: 'float32', shape, values }
}

export interface Numbers {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** The pooled features and the logits of the pictures. */
export function outputsOf(
  model: layers.LayersModel,
  pictures: Pictures,
  kwargs: Readonly<Record<string, unknown>> = {},
): { readonly features: number[][]; readonly logits: number[][] } {
  const outputs = [model.getLayer('pool').output, model.outputs[0]!] as layers.SymbolicTensor[]
  const both = layers.model({ inputs: model.inputs, outputs })
  return tf.tidy(() => {
    const [features, logits] = both.apply(picturesOf(pictures), kwargs) as tf.Tensor2D[]
    return { features: features!.arraySync(), logits: logits!.arraySync() }
  })
}

export interface Closeness {
  /** The reference's largest number; default the largest that was computed. */
  readonly largest?: number | undefined
  /** Default 1e-4. */
  readonly tolerance?: number
}

/** Checks the first numbers of each row, within a fraction of the largest number overall. */
export function expectRows(
  found: number[][],
  expected: Numbers,
  { largest, tolerance = 1e-4 }: Closeness = {},
): void {
  const [rows, columns] = expected.shape as [number, number]
  expect(found).toHaveLength(rows)
  const most = largest ?? Math.max(...found.flat().map(Math.abs))
  const apart = found.flatMap((row, r) =>
    row.slice(0, columns).map((value, c) => Math.abs(value - expected.data[r * columns + c]!)),
  )
  expect(Math.max(...apart) / most).toBeLessThan(tolerance)
}

export const normsOf = (rows: number[][]): number[] => rows.map((row) => Math.hypot(...row))
