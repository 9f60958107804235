// What a file must hold for a model: for each variable a name and a shape, and the way from the file's order of axes to ours.
import type { Variables } from '@tricks/core'
import { roleOf } from '@tricks/core/model'
import type { Names } from './names.ts'

export interface Expected {
  /** Of the model's variable. */
  readonly path: string
  /** In the file. */
  readonly name: string
  readonly shape: readonly number[]
  /** Which of the file's axes each of ours is; undefined where they are in the same order. */
  readonly axes?: readonly number[]
  /** Which of the file's axes the classes are, of the classifier's variables. */
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

/** By the names of others, whose axes are torch's; without a table by our own names and axes, as tfjs saves them. */
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

/** Torch has [out, in, height, width], [channels, 1, height, width] of a depthwise convolution, and [out, in]. */
function axesOf(weight: string, rank: number): readonly number[] | undefined {
  if (rank === 4) return weight === 'depthwise_kernel' ? [2, 3, 0, 1] : [2, 3, 1, 0]
  return rank === 2 ? [1, 0] : undefined
}

function fileShape(shape: readonly number[], axes: readonly number[]): number[] {
  const sides: number[] = []
  axes.forEach((axis, i) => (sides[axis] = shape[i]!))
  return sides
}
