// What browsers import: files as bytes, no file system and no downloads.
import { assign, type Loaded, type Model } from './assign.ts'
import type { Tensors } from './file.ts'
import { readSafetensors } from './safetensors.ts'
import { readTorchFile } from './torch.ts'

export type { Loaded, Model, Tensors }
export { readSafetensors, readTorchFile }

/**
 * Sets a model's variables from the bytes of a PyTorch or safetensors file, whose format is detected, or from tensors by
 * name.
 *
 * Names are those of torchvision, timm, efficientnet_pytorch, or the model's own, with or without the prefixes
 * `module.` and `model.`. The axes of torch's tensors are transposed to tfjs's order. If the file's classifier has
 * another number of classes, or the file has none, the model's classifier is unchanged.
 *
 * @returns which variables were set, and which were kept
 * @throws Error for a damaged file, and for weights of another architecture: it lists everything that is missing,
 * unexpected or of another shape; the model is then unchanged
 * @example
 * const model = resnet({ depth: 50, stem: 'imagenet', padding: 'torch', classes: 12, weights: 'zeros' })
 * const response = await fetch('resnet50.safetensors')
 * const { kept } = loadBytes(model, new Uint8Array(await response.arrayBuffer())) // ['logits/kernel', 'logits/bias']
 */
export function loadBytes(model: Model, source: Uint8Array | Tensors): Loaded {
  return assign(model, source instanceof Uint8Array ? readBytes(source) : source)
}

/** safetensors files start with an 8-byte length below 2³² and a brace; torch files with a pickle or a zip archive. */
function readBytes(bytes: Uint8Array): Tensors {
  const isSafetensors = bytes[8] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0)
  return isSafetensors ? readSafetensors(bytes) : readTorchFile(bytes)
}
