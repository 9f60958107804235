import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { parseJson } from '@tricks/safetensors'
import type { Tensors } from './file.ts'

const sizes: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
}

/**
 * Reads the weights, quantized or not, of a tfjs layers model from its `model.json` and the files listed in it.
 *
 * @throws Error if it lists no weights or a file outside its folder, or if the files' sizes don't match
 */
export async function readTfjsModel(file: string): Promise<Tensors> {
  const wrong = (why: string): Error =>
    new Error(`pretrained: expected a tfjs layers model, but ${file} ${why}`)
  const { weightsManifest } = (parseJson(await readFile(file, 'utf8')) ?? {}) as Manifest
  if (!Array.isArray(weightsManifest) || !weightsManifest.every(isGroup))
    throw wrong('has no weights manifest')
  const tensors: Record<string, Tensors[string]> = {}
  for (const { paths, weights } of weightsManifest) {
    const outside = paths.find((path) => isAbsolute(path) || normalize(path).startsWith('..'))
    if (outside !== undefined) throw wrong(`lists a file outside its folder: ${outside}`)
    const parts = await Promise.all(paths.map((path) => readFile(join(dirname(file), path))))
    const bytes = Uint8Array.from(Buffer.concat(parts))
    const expected = weights.reduce((sum, { shape, dtype, quantization }) => {
      const size = sizes[quantization?.dtype ?? dtype] ?? NaN
      return sum + shape.reduce((product, side) => product * side, size)
    }, 0)
    if (expected !== bytes.length)
      throw wrong(`describes weights of ${expected} bytes, but its files have ${bytes.length}`)
    const decoded = tf.io.decodeWeights(bytes.buffer, [...weights])
    for (const [name, tensor] of Object.entries(decoded)) {
      const dtype = tensor.dtype === 'float32' ? 'float32' : 'int32'
      tensors[name] = { dtype, shape: tensor.shape, values: await tensor.data<typeof dtype>() }
      tensor.dispose()
    }
  }
  return tensors
}

interface Group {
  readonly paths: readonly string[]
  readonly weights: readonly tf.io.WeightsManifestEntry[]
}

interface Manifest {
  readonly weightsManifest?: unknown
}

function isGroup(value: unknown): value is Group {
  const { paths, weights } = (value ?? {}) as Record<string, unknown>
  return (
    Array.isArray(paths) &&
    paths.every((path) => typeof path === 'string') &&
    Array.isArray(weights) &&
    weights.every(
      (weight: Partial<Group['weights'][number]> | null) =>
        typeof weight?.name === 'string' &&
        Array.isArray(weight.shape) &&
        weight.shape.every((side) => Number.isSafeInteger(side) && side >= 0),
    )
  )
}
