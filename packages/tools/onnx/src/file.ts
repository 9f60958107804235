// The fields of ONNX's messages that a file with one graph needs:
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import { PbfWriter } from 'pbf'

export interface Initializer {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array | Int8Array | BigInt64Array
}

/** An attribute's value; plain lists of numbers are integers, lists of floats are marked as such. */
export type Attribute = number | string | readonly number[] | { readonly float: number }

export interface Node {
  readonly name: string
  readonly operator: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** A float32 input or output; an axis of unknown size has a name. */
export interface Port {
  readonly name: string
  readonly shape: readonly (number | string)[]
}

export interface OnnxModel {
  readonly name: string
  readonly description: string
  readonly metadata: Readonly<Record<string, string>>
  readonly nodes: readonly Node[]
  readonly initializers: readonly Initializer[]
  readonly input: Port
  readonly output: Port
}

/** Every ONNX Runtime since 1.12 (2022) reads format version 8 with operator version 17. */
const versions = { format: 8, operators: 17 } as const
const types = { float32: 1, int8: 3, int64: 7 } as const
const attributeTypes = { float: 1, integer: 2, string: 3, integers: 7 } as const

/** Encodes a model as the bytes of a file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const file = new PbfWriter()
  file.writeVarintField(1, versions.format)
  file.writeStringField(2, '@tricks/onnx')
  file.writeStringField(6, model.description)
  file.writeMessage(7, graph, model)
  file.writeMessage(8, (_, set) => set.writeVarintField(2, versions.operators), null)
  for (const [key, value] of Object.entries(model.metadata))
    file.writeMessage(
      14,
      (_, entry) => {
        entry.writeStringField(1, key)
        entry.writeStringField(2, value)
      },
      null,
    )
  return file.finish()
}

function graph({ name, nodes, initializers, input, output }: OnnxModel, to: PbfWriter): void {
  for (const each of nodes) to.writeMessage(1, node, each)
  to.writeStringField(2, name)
  for (const each of initializers) to.writeMessage(5, tensor, each)
  to.writeMessage(11, port, input)
  to.writeMessage(12, port, output)
}

function node({ name, operator, inputs, output, attributes }: Node, to: PbfWriter): void {
  for (const input of inputs) to.writeStringField(1, input)
  to.writeStringField(2, output)
  to.writeStringField(3, name)
  to.writeStringField(4, operator)
  for (const each of Object.entries(attributes)) to.writeMessage(5, attribute, each)
}

function attribute([name, value]: readonly [string, Attribute], to: PbfWriter): void {
  to.writeStringField(1, name)
  if (typeof value === 'number') {
    to.writeVarintField(3, value)
    to.writeVarintField(20, attributeTypes.integer)
  } else if (typeof value === 'string') {
    to.writeBytesField(4, new TextEncoder().encode(value))
    to.writeVarintField(20, attributeTypes.string)
  } else if ('float' in value) {
    to.writeFloatField(2, value.float)
    to.writeVarintField(20, attributeTypes.float)
  } else {
    for (const each of value) to.writeVarintField(8, each)
    to.writeVarintField(20, attributeTypes.integers)
  }
}

function tensor({ name, shape, values }: Initializer, to: PbfWriter): void {
  for (const size of shape) to.writeVarintField(1, size)
  to.writeVarintField(2, typeOf(values))
  to.writeStringField(8, name)
  to.writeBytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

function typeOf(values: Initializer['values']): number {
  if (values instanceof Float32Array) return types.float32
  return values instanceof Int8Array ? types.int8 : types.int64
}

function port({ name, shape }: Port, to: PbfWriter): void {
  to.writeStringField(1, name)
  to.writeMessage(2, (_, type) => type.writeMessage(1, tensorType, shape), null)
}

function tensorType(shape: Port['shape'], to: PbfWriter): void {
  to.writeVarintField(1, types.float32)
  to.writeMessage(
    2,
    (_, sizes) => {
      for (const size of shape) sizes.writeMessage(1, dimension, size)
    },
    null,
  )
}

function dimension(size: number | string, to: PbfWriter): void {
  if (typeof size === 'number') to.writeVarintField(1, size)
  else to.writeStringField(2, size)
}
