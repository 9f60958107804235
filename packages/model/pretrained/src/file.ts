import type { FileDtype, FileTensor } from '@tricks/safetensors'

/** Tensors by name, as stored in a file. */
export type Tensors = Readonly<Record<string, FileTensor & { readonly dtype: FileDtype }>>

/** Reads a file; its errors name the kind of file that was expected. */
export function damaged<Result>(kind: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    const { message } = error as Error
    throw new Error(`pretrained: expected ${kind}, but ${message}`, { cause: error })
  }
}
