import * as tf from '@tensorflow/tfjs-core'
import { type Layered, variablesOf } from '@tricks/core/model'
import { expectedOf, type Expected } from './expected.ts'
import type { Tensors } from './file.ts'
import { namesOf } from './names.ts'

/** A model to load weights into: one of @tricks/models, or any other whose file uses its own variable names. */
export type Model = Layered & { readonly name?: string }

/** The result of loading weights. */
export interface Loaded {
  /**
   * The naming scheme of the file: 'torchvision', 'timm', 'efficientnet_pytorch', or 'tricks' for the model's own
   * names.
   */
  readonly family: string
  /** The paths of the variables that were set. */
  readonly loaded: readonly string[]
  /**
   * The paths of the classifier's variables, if the file has no classifier or one for another number of classes: train
   * it.
   */
  readonly kept: readonly string[]
}

/** Assigns tensors to a model's variables. @throws Error that lists every mismatch; the model is then unchanged */
export function assign(model: Model, tensors: Tensors): Loaded {
  const variables = variablesOf(model)
  const file = byPlainName(tensors)
  const families = [...namesOf(model.name ?? ''), undefined].map((names) => {
    const expected = expectedOf(variables, names)
    return { names, expected, found: expected.filter(({ name }) => file.has(name)).length }
  })
  const { names, expected, found } = families.reduce((a, b) => (b.found > a.found ? b : a))
  if (found === 0) throw new Error(foreign(model, families, [...file.keys()]))

  const kept = keptOf(expected, file)
  const wanted = expected.filter(({ path }) => !kept.includes(path))
  const problems = problemsOf(wanted, file, names?.classifier ?? 'logits')
  if (problems.length > 0)
    throw new Error(
      `pretrained: expected weights of ${model.name ?? 'the model'}, got weights that don't match; nothing was loaded:\n` +
        problems.map((line) => `  ${line}\n`).join('') +
        'Pass a model of the same architecture, depth and variant as the weights.',
    )
  for (const { path, name, axes, shape } of wanted)
    tf.tidy(() => {
      const tensor = tf.tensor(file.get(name)!.values, [...shape], 'float32')
      variables[path]!.assign(axes ? tf.transpose(tensor, [...axes]) : tensor)
    })
  return {
    family: names?.family ?? 'tricks',
    loaded: wanted.map(({ path }) => path),
    kept,
  }
}

/** Tensors without the prefixes of wrappers and without torch's batch counts, which aren't needed here. */
function byPlainName(tensors: Tensors): Map<string, Tensors[string]> {
  const file = new Map<string, Tensors[string]>()
  for (const [given, tensor] of Object.entries(tensors)) {
    const name = given.replace(/^((module|model)\.)+/, '')
    if (name.endsWith('num_batches_tracked')) continue
    if (file.has(name))
      throw new Error(`pretrained: expected one tensor ${name}, got one with a prefix as well`)
    file.set(name, tensor)
  }
  return file
}

/** The classifier's variables, if the file has none of them, or has all of them for another number of classes. */
function keptOf(
  expected: readonly Expected[],
  file: ReadonlyMap<string, Tensors[string]>,
): string[] {
  const head = expected.filter(({ classes }) => classes !== undefined)
  const found = head.filter(({ name }) => file.has(name))
  const isOther = ({ name, shape, classes }: Expected): boolean => {
    const own = file.get(name)!.shape
    const differs = own
      .map((side, axis) => (side === shape[axis] ? -1 : axis))
      .filter((axis) => axis >= 0)
    return own.length === shape.length && String(differs) === String(classes)
  }
  const keeps = found.length === 0 || (found.length === head.length && found.every(isOther))
  return keeps ? head.map(({ path }) => path) : []
}

/** Additional layers of a classifier are ignored, as is the normalisation of an exported model. */
function problemsOf(
  wanted: readonly Expected[],
  file: ReadonlyMap<string, Tensors[string]>,
  classifier: string,
): string[] {
  const named = new Set(wanted.map(({ name }) => name))
  return [
    ...wanted
      .filter(({ name }) => !file.has(name))
      .map(({ name, path }) => `missing: ${name}${name === path ? '' : `, for ${path}`}`),
    ...[...file.keys()]
      .filter(
        (name) =>
          !named.has(name) &&
          ![`${classifier}.`, `${classifier}/`, 'normalization/'].some((own) =>
            name.startsWith(own),
          ),
      )
      .map((name) => `unexpected: ${name}`),
    ...wanted.flatMap(({ name, shape }) => {
      const tensor = file.get(name)
      if (!tensor) return []
      if (tensor.dtype !== 'float32')
        return [`of another type: ${name} is ${tensor.dtype}, expected float32`]
      if (String(tensor.shape) === String(shape)) return []
      return [
        `of another shape: ${name} is [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`,
      ]
    }),
  ]
}

function foreign(
  model: Model,
  families: readonly { readonly expected: readonly Expected[] }[],
  names: readonly string[],
): string {
  const first = families.map(({ expected }) => expected[0]!.name)
  return (
    `pretrained: expected weights of ${model.name ?? 'the model'}, with names such as ${first.join(' or ')}, ` +
    `got ${names.slice(0, 3).join(', ') || 'none'}`
  )
}
