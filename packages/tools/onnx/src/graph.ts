import type { Attribute, Initializer, Node } from './file.ts'

/** A shape; null for a size that the model doesn't fix. */
export type Shape = readonly (number | null)[]

/**
 * A tensor of the file. Its shape is in tfjs's axis order. In the file, tensors of four axes are [batch, channels,
 * height, width], as ONNX's convolutions require; all others are as in tfjs.
 */
export interface Value {
  readonly name: string
  readonly shape: Shape
}

/** Permutations from tfjs's four axes to the file's, and back. */
export const toFile = [0, 3, 1, 2] as const
export const fromFile = [0, 2, 3, 1] as const

/** Converts an axis from tfjs to the file; negative axes count from the end. */
export function axisInFile(axis: number, { shape }: Value): number {
  const positive = axis < 0 ? axis + shape.length : axis
  return shape.length === 4 ? toFile.indexOf(positive as 0) : positive
}

/** Collects nodes and the constants that they read; names are made unique. */
export class Graph {
  readonly nodes: Node[] = []
  readonly initializers: Initializer[] = []
  private readonly names = new Set<string>()
  /** Names of tensors in use; those of the file's input and output are reserved. */
  private readonly tensors = new Set(['images', 'logits', 'probabilities'])

  /** @returns the name of its output */
  add(
    name: string,
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const output = unique(name, this.tensors)
    this.nodes.push({ name: unique(name, this.names), operator, inputs, output, attributes })
    return output
  }

  /** @returns the name of a constant tensor */
  constant(name: string, values: Initializer['values'], shape: readonly number[]): string {
    const own = unique(name, this.tensors)
    this.initializers.push({ name: own, shape, values })
    return own
  }

  scalar(name: string, value: number): string {
    return this.constant(name, Float32Array.of(value), [])
  }

  integers(name: string, values: readonly number[]): string {
    return this.constant(name, BigInt64Array.from(values, BigInt), [values.length])
  }

  /** Renames a node's output, which no other node reads. */
  rename(output: string, name: string): void {
    const at = this.nodes.findIndex((node) => node.output === output)
    if (at < 0)
      throw new Error(
        `onnx: expected a layer that computes something, got a model that returns its input`,
      )
    this.nodes[at] = { ...this.nodes[at]!, output: name }
  }
}

function unique(name: string, taken: Set<string>): string {
  let own = name
  for (let i = 2; taken.has(own); i++) own = `${name}-${i}`
  taken.add(own)
  return own
}
