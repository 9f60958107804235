import type { FileTensor } from '@tricks/safetensors'

/** A picture as bytes `[height, width, channels]`. */
export interface Picture {
  readonly pixels: Uint8Array
  readonly height: number
  readonly width: number
  readonly channels: number
}

type Tensors = Readonly<Record<string, FileTensor>>

/** The values of a tensor. @throws Error if there is no tensor of that name and type */
export function valuesOf<T extends FileTensor['values']>(
  tensors: Tensors,
  name: string,
  Type: abstract new (...args: never[]) => T,
): T {
  const values = Object.hasOwn(tensors, name) ? tensors[name]!.values : undefined
  if (!(values instanceof Type)) throw new Error(`it has no ${name}`)
  return values
}

/** The pictures in a tensor `[pictures, height, width, channels]`. */
export function picturesOf(tensors: Tensors, name: string): Picture[] {
  const values = valuesOf(tensors, name, Uint8Array)
  const { shape } = tensors[name]!
  if (shape.length !== 4) throw new Error(`expected ${name} of rank 4, got ${shape.length}`)
  const [count, height, width, channels] = shape as [number, number, number, number]
  const size = height * width * channels
  return Array.from({ length: size > 0 ? count : 0 }, (_, i) => ({
    pixels: values.subarray(i * size, (i + 1) * size),
    height,
    width,
    channels,
  }))
}
