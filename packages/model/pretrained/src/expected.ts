// What a file must contain for a model: a name and a shape for each variable, and the mapping from the file's axes to
// ours.
import type { Variables } from '@tricks/core'
import { roleOf } from '@tricks/core/model'
import type { Names } from './names.ts'

export interface Expected {
  /** Path of the model's variable. */
  readonly path: string
  /** Name in the file. */
  readonly name: string
  readonly shape: readonly number[]
  /** For each of our axes, the file's axis; undefined if the order is the same. */
  readonly axes?: readonly number[]
  /** For the classifier's variables, the file's axis of classes. */
  readonly classes?: number
}

const suffixes: Readonly<Record<string, string>> = {
  kernel: 'weight',
  gamma: 'weight',
  bias: 'bias',
  beta: 'bias',
  mean: 'running_mean',
  variance: 'running_var',
}

/**
 * The expected tensors with another library's names and torch's axes; without a table, with our own names and axes, as
 * saved by tfjs.
 */
export function expectedOf(variables: Variables, names: Names | undefined): Expected[] {
  return Object.entries(variables).map(([path, { shape }]) => {
    const [, layer = '', weight = ''] = /^(.*)\/(.*)$/.exec(path) ?? []
    const isClassifier = layer === 'logits'
    if (!names)
      return { path, name: path, shape, ...(isClassifier && { classes: shape.length - 1 }) }
    const name = `${isClassifier ? names.classifier : nameIn(names, layer)}.${suffixes[roleOf(path)!]}`
    const axes = axesOf(weight, shape.length)
    return {
      path,
      name,
      shape: axes ? fileShape(shape, axes) : shape,
      ...(axes && { axes }),
      ...(isClassifier && { classes: 0 }),
    }
  })
}

function nameIn({ rules }: Names, layer: string): string {
  for (const [pattern, name] of rules) {
    const match = pattern.exec(layer)
    if (match) return name(...match.slice(1))
  }
  return layer
}

/** Torch's kernels are [out, in, height, width], [channels, 1, height, width] (depthwise), and [out, in] (dense). */
function axesOf(weight: string, rank: number): readonly number[] | undefined {
  if (rank === 4) return weight === 'depthwise_kernel' ? [2, 3, 0, 1] : [2, 3, 1, 0]
  return rank === 2 ? [1, 0] : undefined
}

function fileShape(shape: readonly number[], axes: readonly number[]): number[] {
  const sides: number[] = []
  axes.forEach((axis, i) => (sides[axis] = shape[i]!))
  return sides
}
