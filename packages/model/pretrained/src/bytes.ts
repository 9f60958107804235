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
 * Names are those of torchvision, timm, efficientnet_pytorch, or the model's own, with or without the prefixes `module.` and
 * `model.`. Tensors of torch are put into tfjs's order of axes. If the file's classifier has another number of classes, or
 * the file has none, the model's classifier is unchanged.
 *
 * @returns which variables were set, and which kept
 * @throws Error for a damaged file, and for weights of another architecture: all that is missing, unexpected or of another
 * shape at once; the model is unchanged then
 * @example
 * const model = resnet({ depth: 50, stem: 'imagenet', padding: 'torch', classes: 12, weights: 'zeros' })
 * const response = await fetch('resnet50.safetensors')
 * const { kept } = loadBytes(model, new Uint8Array(await response.arrayBuffer())) // ['logits/kernel', 'logits/bias']
 */
export function loadBytes(model: Model, source: Uint8Array | Tensors): Loaded {
  return assign(model, source instanceof Uint8Array ? readBytes(source) : source)
}

/** safetensors begins with a length of 8 bytes, below 2³², and a brace; torch with a pickle or a zip archive. */
function readBytes(bytes: Uint8Array): Tensors {
  const isSafetensors = bytes[8] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0)
  return isSafetensors ? readSafetensors(bytes) : readTorchFile(bytes)
}
