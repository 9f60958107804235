import type { FileTensor, NumberType } from '@tricks/safetensors'

/** Memory that holds the numbers of one or more tensors. */
export class Storage {
  readonly type: NumberType
  readonly key: string
  /** Number of elements. */
  readonly count: number

  constructor(type: NumberType, key: string, count: number) {
    this.type = type
    this.key = key
    this.count = count
  }
}

/** A tensor as torch stores it: the positions of its numbers in a storage. */
export class Stored {
  readonly storage: Storage
  readonly offset: number
  readonly shape: readonly number[]
  /** Distance between neighbours along each axis, in elements. */
  readonly strides: readonly number[]
  /** Number of elements. */
  readonly size: number

  /** @throws Error if it extends beyond its storage, or is larger than it */
  constructor([storage, offset, shape, strides]: readonly unknown[]) {
    const valid =
      storage instanceof Storage &&
      isCount(offset) &&
      isCounts(shape) &&
      isCounts(strides) &&
      shape.length === strides.length
    if (!valid) throw new Error('the description of a tensor is invalid')
    this.storage = storage
    this.offset = offset
    this.shape = shape
    this.strides = strides
    this.size = shape.reduce((product, side) => product * side, 1)
    const last = shape.reduce((sum, side, axis) => sum + (side - 1) * strides[axis]!, offset)
    if (this.size > 0 && (last >= storage.count || this.size > storage.count))
      throw new Error(`a tensor of shape [${shape.join(', ')}] is larger than its storage`)
  }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 32 && value.every(isCount)

/** The tensor's numbers in row-major order: a view if they are stored that way, else a copy. */
export function gather<Values extends FileTensor['values']>(
  values: Values,
  { offset, shape, strides, size }: Stored,
): Values {
  let rowByRow = 1
  const inOrder = shape.every((_, i) => {
    const axis = shape.length - 1 - i
    const fits = shape[axis] === 1 || strides[axis] === rowByRow
    rowByRow *= shape[axis]!
    return fits
  })
  if (inOrder || size === 0) return values.subarray(offset, offset + size) as Values
  const copy = new (values.constructor as new (length: number) => Values)(size)
  let at = 0
  const visit = (axis: number, from: number): void => {
    const [side, stride] = [shape[axis]!, strides[axis]!]
    if (axis === shape.length - 1)
      for (let i = 0; i < side; i++) copy[at++] = values[from + i * stride]!
    else for (let i = 0; i < side; i++) visit(axis + 1, from + i * stride)
  }
  visit(0, offset)
  return copy
}
