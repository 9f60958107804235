import { roleOf } from '@tricks/core/model'

/** The path of a variable's block: `stage1/block2` for `stage1/block2/conv1/kernel`. */
const blockOf = (path: string): string | undefined =>
  /^((?:[^/]+\/)*?[^/]*block[^/]*\d+)\//.exec(path)?.[1]

/** The path of a variable's layer: everything before its role. */
export const layerOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/**
 * Divides a network's variables into groups from input to output, like timm's `param_groups_layer_decay`: the layers
 * before the blocks, each block (the last one with all layers that follow it), and the last layer. A network without
 * blocks has a group per layer with weights; a norm belongs to the layer before it.
 *
 * @param paths of the variables, from the input
 * @example
 * layerGroups(['stem/conv/kernel', 'blocks0/conv/kernel', 'head/conv/kernel', 'logits/kernel'])
 * // [['stem/conv/kernel'], ['blocks0/conv/kernel', 'head/conv/kernel'], ['logits/kernel']]
 */
export function layerGroups(paths: readonly string[]): string[][] {
  const last = paths.findLast((path) => roleOf(path) === 'kernel') ?? paths.at(-1)
  const head = last === undefined ? undefined : layerOf(last)
  const groups = new Map<string, string[]>()
  const blocks = paths.some((path) => blockOf(path) !== undefined)
  let current = ''
  for (const path of paths) {
    if (blocks) current = blockOf(path) ?? current
    else if (['kernel', 'bias'].includes(roleOf(path) ?? 'kernel')) current = layerOf(path)
    const name = layerOf(path) === head ? 'the last layer' : current
    groups.set(name, [...(groups.get(name) ?? []), path])
  }
  return [...groups.values()]
}
