// The number types of weight files, and the types that they are converted to.

export type FileDtype = 'float32' | 'int32' | 'uint8' | 'bool'
export type Values = Float32Array | Int32Array | Uint8Array

interface Type {
  readonly dtype: FileDtype
  /** Size of a number in the file, in bytes. */
  readonly size: number
  read(buffer: ArrayBuffer): Values
}

/**
 * The number types by safetensors' names; all are little-endian. Float16 and float64 become float32; integers become
 * int32.
 */
export const numberTypes = {
  F32: { dtype: 'float32', size: 4, read: (buffer) => new Float32Array(buffer) },
  I32: { dtype: 'int32', size: 4, read: (buffer) => new Int32Array(buffer) },
  U8: { dtype: 'uint8', size: 1, read: (buffer) => new Uint8Array(buffer) },
  BOOL: { dtype: 'bool', size: 1, read: (buffer) => new Uint8Array(buffer) },
  F64: { dtype: 'float32', size: 8, read: (buffer) => Float32Array.from(new Float64Array(buffer)) },
  F16: { dtype: 'float32', size: 2, read: (buffer) => fromBits(buffer, singleOfHalf) },
  BF16: { dtype: 'float32', size: 2, read: (buffer) => fromBits(buffer, (bits) => bits << 16) },
  I64: { dtype: 'int32', size: 8, read: (buffer) => narrowed(new BigInt64Array(buffer)) },
  I16: { dtype: 'int32', size: 2, read: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  I8: { dtype: 'int32', size: 1, read: (buffer) => Int32Array.from(new Int8Array(buffer)) },
} as const satisfies Readonly<Record<string, Type>>

export type NumberType = keyof typeof numberTypes

/**
 * Copies the numbers from bytes; a view would have to start at a multiple of their size.
 *
 * @throws Error for an int64 that doesn't fit into 32 bits
 * @example
 * valuesOf('F16', Uint8Array.of(0, 0x3c)) // Float32Array [1]
 */
export function valuesOf(type: NumberType, bytes: Uint8Array): Values {
  // Uint8Array's slice copies; a Buffer's own shares its memory.
  return numberTypes[type].read(new Uint8Array(bytes).buffer)
}

function fromBits(buffer: ArrayBuffer, single: (bits: number) => number): Float32Array {
  return new Float32Array(Uint32Array.from(new Uint16Array(buffer), single).buffer)
}

/** Converts float16 bits (sign, 5 bits of exponent, 10 of fraction) to float32 bits. */
function singleOfHalf(bits: number): number {
  const sign = (bits & 0x8000) << 16
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13)
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13)
  if (fraction === 0) return sign
  // Subnormal in float16, but normal in float32: the highest bit of the fraction becomes implicit.
  const shift = Math.clz32(fraction) - 21
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)
}

function narrowed(values: BigInt64Array): Int32Array {
  return Int32Array.from(values, (value) => {
    if (BigInt.asIntN(32, value) !== value)
      throw new Error(`expected integers of 32 bits, got ${value}`)
    return Number(value)
  })
}
