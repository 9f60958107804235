import type { FileDtype, FileTensor } from '@tricks/safetensors'

/** Tensors by name, as a file has them. */
export type Tensors = Readonly<Record<string, FileTensor & { readonly dtype: FileDtype }>>

/** Reads, and says of what is wrong with the file that it is. */
export function damaged<Result>(kind: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    const { message } = error as Error
    throw new Error(`pretrained: expected ${kind}, but ${message}`, { cause: error })
  }
}
