import { decodeTensors } from '@tricks/safetensors'
import { damaged, type Tensors } from './file.ts'

/**
 * Reads the tensors of a safetensors file: float32, float16, bfloat16 and float64 as float32, integers as int32 or
 * uint8, bool.
 *
 * @param bytes of the whole file
 * @returns by name
 * @throws Error for a damaged file: an invalid header, or values that overlap, lie outside or don't fit their shape
 * @example
 * const tensors = readSafetensors(readFileSync('weights.safetensors'))
 * for (const [name, { dtype, shape, values }] of Object.entries(tensors)) console.log(name, dtype, shape, values.length)
 * @see https://github.com/huggingface/safetensors
 */
export const readSafetensors = (bytes: Uint8Array): Tensors =>
  damaged('a safetensors file', () => decodeTensors(bytes).tensors)
