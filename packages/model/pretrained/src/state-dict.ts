import type { Dictionary } from './pickle.ts'
import { Stored } from './strided.ts'

/** Keys under which a training checkpoint stores its weights. */
const under = ['state_dict', 'model_state_dict', 'model']
const limits = { depth: 16, entries: 1_000_000, name: 500 }

/**
 * The tensors in a nested object, by their joined keys, such as `layer1.0.weight`.
 *
 * @throws Error if it contains no tensors, too many entries, or dictionaries that are nested too deeply
 */
export function tensorsIn(root: unknown): Map<string, Stored> {
  const found = new Map<string, Stored>()
  let entries = 0
  const visit = (value: unknown, name: string, depth: number): void => {
    if (entries++ > limits.entries || depth > limits.depth || name.length > limits.name)
      throw new Error(
        'it has too many dictionaries, or their nesting is too deep, or their keys are too long',
      )
    if (value instanceof Stored) {
      if (found.has(name)) throw new Error(`it has two tensors named ${name}`)
      found.set(name, value)
    } else if (value instanceof Map || Array.isArray(value))
      for (const [key, item] of (value as Dictionary | unknown[]).entries())
        visit(item, name === '' ? String(key) : `${name}.${key}`, depth + 1)
  }
  visit(weightsOf(root), '', 0)
  if (found.size === 0) throw new Error('it holds no tensors by name')
  return found
}

function weightsOf(root: unknown): unknown {
  if (!(root instanceof Map)) return Array.isArray(root) ? root : undefined
  const dictionary = root as Dictionary
  if ([...dictionary.values()].some((value) => value instanceof Stored)) return root
  const key = under.find((name) => dictionary.get(name) instanceof Map)
  return key === undefined ? root : dictionary.get(key)
}
